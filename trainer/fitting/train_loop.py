"""One phase of a training: its steps, its epochs, and the history that they leave."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_runtime import DivergedError
from edge_runtime.core import clock
from trainer.config import FloatPolicy, Optimizer, Schedule, TrainConfig
from trainer.data.augmentation import Augmentation
from trainer.fitting.distribution import PADDING, Workers

Pairs = Iterable[tuple[NDArray[Any], NDArray[np.int64]]]
"""Inputs, shape (batch, …), with their class indices, shape (batch,)."""


@dataclass(frozen=True)
class Epoch:
    """One line of `history.csv`. The epoch numbers run on from phase to phase."""

    phase: str
    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float

    @property
    def rank(self) -> tuple[float, float]:
        """What the best epoch has most of: validation accuracy, then the lower validation loss."""
        return self.val_accuracy, -self.val_loss


@dataclass(frozen=True)
class Phase:
    """What one phase trains, and how.

    Attributes:
        name: `head`, `fine-tune` or `scratch`.
        model: the Keras model that trains, from what `batches` gives to scores.
        batches: the epoch's number → its batches, or this worker's share of each.
        steps: batches in an epoch.
        validation: the held-out batches, or this worker's share of each.
        epochs: how many at most.
        optimizer: what `build_optimizer` gave for this model.
        config: the loss, the patience and the seed.
        workers: who trains.
        augment: changes the inputs, on the fly.
        class_weights: how much a picture of each class counts, shape (classes,).
        penalty: is added to the mean loss.
        before_validation: called before each validation.
    """

    name: str
    model: Any
    batches: Callable[[int], Pairs]
    steps: int
    validation: Pairs
    epochs: int
    optimizer: Any
    config: TrainConfig
    workers: Workers
    augment: Augmentation | None = None
    class_weights: NDArray[np.float32] | None = None
    penalty: Callable[[], Any] = lambda: 0.0
    before_validation: Callable[[], None] = lambda: None


class Progress(Protocol):
    """Is told how a training goes."""

    def start(self, phase: str, epochs: int) -> None:
        """A phase begins, or goes on, with so many epochs."""
        ...

    def step(self, share: float) -> None:
        """So much of an epoch has been done by a batch."""
        ...

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is done."""
        ...


def fit_phase(phase: Phase, earlier: Sequence[Epoch], progress: Progress) -> Iterator[Epoch]:
    """Train a phase, epoch by epoch, until its epochs are over or none of the last few was better.

    Args:
        phase: what trains. Its model and optimizer are as the last of the earlier epochs left them.
        earlier: every epoch before; those of this phase are not done again.
        progress: is told of the progress.

    Yields:
        Each epoch when it is over; the model has its weights at that moment.

    Raises:
        DivergedError: the loss is no longer a number.
    """
    left = phase.epochs - sum(epoch.phase == phase.name for epoch in earlier)
    progress.start(phase.name, left)
    train_step = _build_train_step(phase)
    evaluate = build_evaluation(phase.model, phase.workers)
    seeds = random_states(phase)
    while not is_over(phase.name, phase.epochs, earlier, phase.config.patience):
        number = len(earlier) + 1
        started = clock.now()
        # Every epoch's randomness is its own: a training that was interrupted goes on as if it had not been.
        restart_randomness(seeds, phase.config.seed + number)
        total = np.zeros(3)
        for inputs, targets in phase.batches(number):
            total += train_step(inputs, targets)
            progress.step(1 / phase.steps)
            _check_loss("loss", float(total[0]), number, phase)
        phase.before_validation()
        val_loss, val_accuracy = evaluate(phase.validation)
        _check_loss("validation loss", val_loss, number, phase)
        done = Epoch(
            phase=phase.name,
            epoch=number,
            loss=float(total[0] / total[2]),
            accuracy=float(total[1] / total[2]),
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            learning_rate=float(phase.optimizer.learning_rate.numpy()),
            seconds=clock.now() - started,
        )
        earlier = (*earlier, done)
        yield done
        # Told when whoever trains has kept it: what was said to be trained is not lost by an interruption.
        progress.epoch(done)


def _check_loss(name: str, loss: float, epoch: int, phase: Phase) -> None:
    if not math.isfinite(loss):
        raise DivergedError(
            f"the {name} is {loss} in epoch {epoch} of phase {phase.name}: "
            "lower the learning rate (the best epoch so far is kept)"
        )


def is_over(name: str, epochs: int, history: Sequence[Epoch], patience: int) -> bool:
    """Whether a phase has had its epochs, or its last few brought no better validation accuracy or loss."""
    own = [epoch for epoch in history if epoch.phase == name]
    before, last = own[:-patience], own[-patience:]
    if len(own) >= epochs:
        return True
    if not patience or not before:
        return False
    accuracy, loss = max(each.val_accuracy for each in before), min(each.val_loss for each in before)
    return all(each.val_accuracy <= accuracy and each.val_loss >= loss for each in last)


def build_evaluation(model: Any, workers: Workers) -> Callable[[Pairs], tuple[float, float]]:
    """A function from held-out batches to (mean loss, accuracy) over all workers, in inference mode."""
    import tensorflow as tf

    @tf.function(autograph=False, input_signature=batch_signature(model))
    def step(inputs: Any, targets: Any) -> Any:
        scores = model(tf.cast(inputs, tf.float32), training=False)
        return _sums(_losses(scores, targets), scores, targets, tf.ones_like(targets, tf.float32))

    def evaluate(pairs: Pairs) -> tuple[float, float]:
        sums = [step(inputs, targets).numpy() for inputs, targets in pairs if len(targets)]
        total = workers.total(np.array(sums, np.float64).reshape(-1, 3).sum(axis=0))
        return float(total[0] / total[2]), float(total[1] / total[2])

    return evaluate


def build_optimizer(config: TrainConfig, model: Any, *, rate: float, steps: int, weight_decay: float) -> Any:
    """The optimizer of one phase, with its learning rate over all of the phase's steps."""
    import keras

    schedule: Any = rate
    if config.schedule is Schedule.COSINE:
        warm_up = max(1, steps // 10)
        schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=rate / 25,
            decay_steps=max(1, steps - warm_up),
            warmup_target=rate,
            warmup_steps=warm_up,
        )
    common = {"weight_decay": weight_decay, "clipnorm": config.clip_norm or None}
    if config.optimizer is Optimizer.SGD:
        optimizer = keras.optimizers.SGD(schedule, config.momentum, nesterov=config.momentum > 0, **common)
    else:
        optimizer = keras.optimizers.AdamW(schedule, beta_1=config.momentum, **common)
    if weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    if config.float_policy is FloatPolicy.FLOAT16:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return optimizer


def random_states(phase: Phase) -> list[Any]:
    """The states of everything random in a phase: dropout and augmentation.

    Raises:
        RuntimeError: a layer of Keras holds a random state that is not found: a training that was interrupted
            would not go on as if it had not been.
    """
    import keras

    parts = [phase.model, *([phase.augment.pipeline] if phase.augment else [])]
    layers = [layer for part in parts for layer in _layers_within(part)]
    generators = [
        value for layer in layers for value in vars(layer).values()
        if isinstance(value, keras.random.SeedGenerator)
    ]  # fmt: skip
    unique = {id(generator): generator.state for generator in generators}
    # Weights are float: what else a model or an augmentation holds as whole numbers is random state.
    whole = [each for part in parts for each in part.variables if "int" in str(each.dtype)]
    if {id(each) for each in whole} - {id(state) for state in unique.values()}:
        raise RuntimeError("Keras holds random states that its layers do not name: --resume would not repeat")
    return list(unique.values())


def _layers_within(layer: Any) -> Iterator[Any]:
    """A layer and all layers inside it, in order."""
    yield layer
    for inner in getattr(layer, "layers", ()):
        yield from _layers_within(inner)


def restart_randomness(states: Sequence[Any], seed: int) -> None:
    """Put states of randomness to what a seed decides."""
    for number, state in enumerate(states):
        words = np.random.SeedSequence([seed, number]).generate_state(2)
        state.assign(words.astype(state.dtype))


def _build_train_step(phase: Phase) -> Callable[[Any, Any], NDArray[np.float64]]:
    """A function from a batch to (summed loss, right answers, pictures) over all workers."""
    import tensorflow as tf

    model, augment, workers = phase.model, phase.augment, phase.workers
    smoothing, weights = phase.config.label_smoothing, phase.class_weights

    def replica_step(inputs: Any, targets: Any) -> Any:
        inputs = tf.cast(inputs, tf.float32)
        if augment is not None:
            inputs = augment(inputs)
        context = tf.distribute.get_replica_context()
        counts = tf.cast(targets != PADDING, tf.float32)
        targets = tf.maximum(targets, 0)
        total = context.all_reduce("SUM", tf.reduce_sum(counts))
        with tf.GradientTape() as tape:
            scores = model(inputs, training=True)
            losses = counts * _losses(scores, targets, smoothing)
            if weights is not None:
                losses *= tf.gather(weights, targets)
            # Gradients are summed over the replicas: each one's objective is its part of the mean.
            objective = tf.reduce_sum(losses) / total + phase.penalty() / context.num_replicas_in_sync
            scaled = phase.optimizer.scale_loss(objective)
        gradients = tape.gradient(scaled, model.trainable_variables)
        phase.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return context.all_reduce("SUM", _sums(losses, scores, targets, counts))

    # One trace for all batch sizes: tracing costs as much as an epoch of a small data set.
    @tf.function(autograph=False, reduce_retracing=True)
    def step(inputs: Any, targets: Any) -> Any:
        sums = workers.strategy.run(replica_step, (inputs, targets))
        return workers.strategy.experimental_local_results(sums)[0]

    run = step.get_concrete_function(*batch_signature(model)) if workers.devices == 1 else step
    return lambda inputs, targets: run(*workers.spread(inputs, targets)).numpy()


def batch_signature(model: Any) -> tuple[Any, Any]:
    """What a model's function takes, for one trace for batches of all sizes: inputs and targets."""
    import tensorflow as tf

    shape = tf.TensorShape([None, *model.input_shape[1:]])
    kind = tf.uint8 if len(model.input_shape) == 4 else tf.float32
    return tf.TensorSpec(shape, kind), tf.TensorSpec([None], tf.int64)


def _losses(scores: Any, targets: Any, smoothing: float = 0.0) -> Any:
    """The cross-entropy of each picture."""
    import keras
    import tensorflow as tf

    if not smoothing:
        return keras.losses.sparse_categorical_crossentropy(targets, scores)
    return keras.losses.categorical_crossentropy(
        tf.one_hot(targets, scores.shape[-1]), scores, label_smoothing=smoothing
    )


def _sums(losses: Any, scores: Any, targets: Any, counts: Any) -> Any:
    """Summed loss, right answers and pictures as one float32 vector; `counts` is 1 for each that counts."""
    import tensorflow as tf

    right = counts * tf.cast(tf.argmax(scores, axis=-1) == targets, tf.float32)
    return tf.stack([tf.reduce_sum(losses), tf.reduce_sum(right), tf.reduce_sum(counts)])


class BestWeights:
    """Keeps the weights of the best epoch of all phases, in memory."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.weights: list[NDArray[Any]] = []
        self.epoch: Epoch | None = None

    def consider(self, epoch: Epoch) -> None:
        """Keep the model's present weights if no earlier epoch was as good."""
        if self.epoch is None or epoch.rank > self.epoch.rank:
            self.epoch = epoch
            self.weights = self._model.get_weights()

    def restore(self) -> None:
        """Put the best weights back into the model."""
        if self.weights:
            self._model.set_weights(self.weights)


def epoch_from(values: dict[str, Any]) -> Epoch:
    """An epoch out of what `dataclasses.asdict` made of one."""
    return Epoch(**{field.name: field.type(values[field.name]) for field in dataclasses.fields(Epoch)})  # type: ignore[operator]
