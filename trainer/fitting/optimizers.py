"""Optimizers with their learning rate schedules."""

import math
from collections.abc import Sequence
from typing import Any

from trainer.choices import FloatPolicy, Optimizer, Schedule
from trainer.config import TrainConfig

WITHOUT_DECAY = ("bias", "gamma", "beta")
"""Names of weights that do not decay."""


class WeightOptimizer:
    """Changes the trainable weights of a model, joined into few vectors, by a Keras optimizer.

    Keras adds some forty operations to the graph for each variable; the network has 158, and compiling them
    took longer than the network itself. The new weights are the same.

    Args:
        optimizer: a Keras optimizer that has been built for `vectors`.
        groups: the model's trainable Keras variables, each in one group.
        vectors: a Keras variable for each group, shape (weights of the group,).
        schedule: of the learning rate; None where it is constant.
    """

    def __init__(
        self,
        optimizer: Any,
        groups: Sequence[Sequence[Any]],
        vectors: Sequence[Any],
        schedule: "_Schedule | None" = None,
    ) -> None:
        self._optimizer = optimizer
        self._groups = groups
        self._vectors = vectors
        self._schedule = schedule
        self._first_state = [variable.numpy() for variable in self.state]

    @property
    def weights(self) -> list[Any]:
        """The model's trainable variables, in the order of the gradients that `apply` takes."""
        return [variable for group in self._groups for variable in group]

    @property
    def state(self) -> Sequence[Any]:
        """The optimizer's own Keras variables, such as running means of the gradients."""
        return list(self._optimizer.variables)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return float(self._optimizer.learning_rate.numpy())

    def start_over(self, steps: int) -> None:
        """Forget all steps; the schedule of the learning rate has so many from now on."""
        for variable, value in zip(self.state, self._first_state, strict=True):
            variable.assign(value)
        if self._schedule is not None:
            self._schedule.set_steps(steps)

    def read_weights(self) -> None:
        """Take over the weights that the model has now."""
        for group, vector in zip(self._groups, self._vectors, strict=True):
            vector.assign(_joined(group))

    def scale_loss(self, loss: Any) -> Any:
        """The loss whose gradients `apply` takes: scaled up where they are 16-bit numbers."""
        return self._optimizer.scale_loss(loss)

    def apply(self, gradients: Sequence[Any]) -> None:
        """Change the weights once; called on every replica.

        Args:
            gradients: of this replica, for each of `weights`; they are summed over the replicas.
        """
        import tensorflow as tf

        rest = iter(gradients)
        joined = [_joined([next(rest) for _ in group]) for group in self._groups]
        self._optimizer.apply_gradients(zip(joined, self._vectors, strict=True))
        tf.distribute.get_replica_context().merge_call(self._write_weights, args=self._parts())

    def average_weights(self) -> None:
        """Give the model the moving averages of its weights (`--ema`)."""
        self._optimizer.finalize_variable_values(self._vectors)
        for variable, part in zip(self.weights, self._parts(), strict=True):
            variable.assign(part)

    def _write_weights(self, strategy: Any, *values: Any) -> None:
        """In the context of all replicas: give every weight its value, on each replica its own."""
        for variable, value in zip(self.weights, values, strict=True):
            strategy.extended.update(
                variable.value, lambda of, new: of.assign(new), args=(value,), group=False
            )

    def _parts(self) -> list[Any]:
        """The values of the vectors, in the shapes of `weights`."""
        import tensorflow as tf

        return [
            tf.reshape(part, variable.shape)
            for group, vector in zip(self._groups, self._vectors, strict=True)
            for variable, part in zip(
                group, tf.split(vector.value, [math.prod(each.shape) for each in group]), strict=True
            )
        ]


def build_optimizer(
    config: TrainConfig, model: Any, *, rate: float, steps: int, weight_decay: float
) -> WeightOptimizer:
    """The optimizer of one phase, with its learning rate schedule over all steps of the phase.

    Args:
        config: the kind of optimizer, its schedule, clipping, moving averages and number format.
        model: a Keras model, made in the scope of the workers' strategy; what is frozen now stays so.
        rate: the largest learning rate.
        steps: of the phase.
        weight_decay: of all weights but those of `WITHOUT_DECAY`; 0 for none.
    """
    import keras

    schedule = _Schedule(rate, steps) if config.schedule is Schedule.COSINE else None
    optimizer = _keras_optimizer(config, rate if schedule is None else schedule.rate, weight_decay)
    groups = _groups(model.trainable_variables, one_by_one=config.clip_norm > 0)
    vectors = [
        keras.Variable(_joined(group), name=f"weights_{number}", dtype="float32")
        for number, group in enumerate(groups)
    ]
    fixed = [vector for group, vector in zip(groups, vectors, strict=True) if not _decays(group[0])]
    if weight_decay and fixed:
        optimizer.exclude_from_weight_decay(var_list=fixed)
    if config.float_policy is FloatPolicy.FLOAT16:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(vectors)
    return WeightOptimizer(optimizer, groups, vectors, schedule)


class _Schedule:
    """A tenth of the steps the rate rises, then it falls along a cosine.

    The numbers of steps are variables: what is compiled with it can be used again with others.

    Attributes:
        rate: the Keras schedule.
    """

    def __init__(self, rate: float, steps: int) -> None:
        import keras

        self._warm_up, self._decay = (keras.Variable(1.0, trainable=False) for _ in range(2))
        self.set_steps(steps)
        self.rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=rate / 25,
            decay_steps=self._decay,
            warmup_target=rate,
            warmup_steps=self._warm_up,
        )

    def set_steps(self, steps: int) -> None:
        """Set the number of all steps."""
        warm_up = max(1, steps // 10)
        self._warm_up.assign(warm_up)
        self._decay.assign(max(1, steps - warm_up))


def _keras_optimizer(config: TrainConfig, schedule: Any, weight_decay: float) -> Any:
    import keras

    common = {
        "weight_decay": weight_decay,
        "clipnorm": config.clip_norm or None,
        "use_ema": config.ema > 0,
        "ema_momentum": config.ema,
    }
    if config.optimizer is Optimizer.SGD:
        return keras.optimizers.SGD(schedule, config.momentum, nesterov=config.momentum > 0, **common)
    return keras.optimizers.AdamW(schedule, beta_1=config.momentum, **common)


def _groups(variables: Sequence[Any], *, one_by_one: bool) -> list[list[Any]]:
    """Those that decay and those that do not; or each by itself, where its own norm counts."""
    if one_by_one:
        return [[variable] for variable in variables]
    groups = ([each for each in variables if _decays(each) is decays] for decays in (True, False))
    return [group for group in groups if group]


def _decays(variable: Any) -> bool:
    return not any(name in variable.name for name in WITHOUT_DECAY)


def _joined(values: Sequence[Any]) -> Any:
    """Tensors or Keras variables as one vector."""
    import tensorflow as tf

    return tf.concat([tf.reshape(each, [-1]) for each in values], 0)
