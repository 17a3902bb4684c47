"""The phases of a training, the history of their epochs, and the best weights of all of them."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_runtime import DivergedError, clock
from trainer.augmentation import Augment

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
        batches: the epoch's number → its batches.
        steps: batches in an epoch.
        validation: the held-out batches.
        epochs: how many.
        rate: peak learning rate; it warms up over a tenth of the steps, then falls along a cosine.
        weight_decay: of AdamW.
        augment: changes the inputs, on the fly.
        penalty: is added to the mean loss.
        before_validation: called before each validation.
        seed: of dropout and the like.
    """

    name: str
    model: Any
    batches: Callable[[int], Pairs]
    steps: int
    validation: Pairs
    epochs: int
    rate: float
    weight_decay: float
    augment: Augment | None = None
    penalty: Callable[[], Any] = lambda: 0.0
    before_validation: Callable[[], None] = lambda: None


class Progress(Protocol):
    """Is told how a training goes."""

    def start(self, phase: str, epochs: int, steps: int) -> None:
        """A phase begins."""
        ...

    def step(self) -> None:
        """A batch is done."""
        ...

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is done."""
        ...


def fit_phase(phase: Phase, first_epoch: int, progress: Progress) -> Iterator[Epoch]:
    """Train a phase, epoch by epoch.

    Yields:
        Each epoch when it is over; the model has its weights at that moment.

    Raises:
        DivergedError: the loss is no longer a number.
    """
    progress.start(phase.name, phase.epochs, phase.steps)
    optimizer = _build_optimizer(phase)
    train_step = _build_train_step(phase, optimizer)
    evaluate = build_evaluation(phase.model)
    for number in range(first_epoch, first_epoch + phase.epochs):
        started = clock.now()
        total = np.zeros(3)
        for inputs, targets in phase.batches(number):
            total += train_step(inputs, targets).numpy()
            progress.step()
            if not math.isfinite(total[0]):
                raise DivergedError(
                    f"the loss is {total[0]} in epoch {number} of phase {phase.name}: "
                    "lower the learning rate (the best epoch so far is kept)"
                )
        phase.before_validation()
        val_loss, val_accuracy = evaluate(phase.validation)
        done = Epoch(
            phase=phase.name,
            epoch=number,
            loss=float(total[0] / total[2]),
            accuracy=float(total[1] / total[2]),
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            learning_rate=float(optimizer.learning_rate),
            seconds=clock.now() - started,
        )
        progress.epoch(done)
        yield done


def build_evaluation(model: Any) -> Callable[[Pairs], tuple[float, float]]:
    """A function from held-out batches to (mean loss, accuracy), in inference mode."""
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def step(inputs: Any, targets: Any) -> Any:
        return _sums(model(tf.cast(inputs, tf.float32), training=False), targets)[1]

    def evaluate(pairs: Pairs) -> tuple[float, float]:
        total = np.sum([step(inputs, targets).numpy() for inputs, targets in pairs], axis=0)
        return float(total[0] / total[2]), float(total[1] / total[2])

    return evaluate


def _build_train_step(phase: Phase, optimizer: Any) -> Callable[[Any, Any], Any]:
    import tensorflow as tf

    model, augment = phase.model, phase.augment

    # One trace for all batch sizes: tracing costs as much as an epoch of a small data set.
    @tf.function(reduce_retracing=True)
    def step(inputs: Any, targets: Any) -> Any:
        inputs = tf.cast(inputs, tf.float32)
        if augment is not None:
            inputs = augment(inputs)
        with tf.GradientTape() as tape:
            mean_loss, sums = _sums(model(inputs, training=True), targets)
            objective = mean_loss + phase.penalty()
        gradients = tape.gradient(objective, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return sums

    shape = tf.TensorShape([None, *model.input_shape[1:]])
    return step.get_concrete_function(  # type: ignore[no-any-return]
        tf.TensorSpec(shape, _input_dtype(phase)), tf.TensorSpec([None], tf.int64)
    )


def _input_dtype(phase: Phase) -> Any:
    import tensorflow as tf

    return tf.uint8 if len(phase.model.input_shape) == 4 else tf.float32


def _sums(scores: Any, targets: Any) -> tuple[Any, Any]:
    """The mean loss, and (summed loss, right answers, pictures) as one float32 vector."""
    import keras
    import tensorflow as tf

    losses = keras.losses.sparse_categorical_crossentropy(targets, scores)
    right = tf.cast(tf.argmax(scores, axis=-1) == targets, tf.float32)
    count = tf.cast(tf.shape(targets)[0], tf.float32)
    return tf.reduce_mean(losses), tf.stack([tf.reduce_sum(losses), tf.reduce_sum(right), count])


def _build_optimizer(phase: Phase) -> Any:
    import keras

    steps = max(1, phase.steps * phase.epochs)
    warm_up = max(1, steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=phase.rate / 25,
        decay_steps=max(1, steps - warm_up),
        warmup_target=phase.rate,
        warmup_steps=warm_up,
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=phase.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    optimizer.build(phase.model.trainable_variables)
    return optimizer


class BestWeights:
    """Keeps the weights of the best epoch of all phases, in memory."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._weights: list[NDArray[Any]] | None = None
        self.epoch: Epoch | None = None

    def consider(self, epoch: Epoch) -> bool:
        """Keep the model's present weights if no earlier epoch was as good; say whether."""
        if self.epoch is not None and epoch.rank <= self.epoch.rank:
            return False
        self.epoch = epoch
        self._weights = self._model.get_weights()
        return True

    def restore(self) -> None:
        """Put the best weights back into the model."""
        if self._weights is not None:
            self._model.set_weights(self._weights)
