"""The compiled training step and the compiled evaluation of a phase."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.config import TrainConfig
from trainer.data import Augmentation
from trainer.fitting.distribution import PADDING, Workers
from trainer.network import batch_signature

Pairs = Iterable[tuple[NDArray[Any], NDArray[np.int64]]]
"""Inputs, shape (batch, …), with their class indices, shape (batch,)."""


@dataclass(frozen=True)
class Phase:
    """What one phase trains, and how.

    Attributes:
        name: `head`, `fine-tune` or `scratch`.
        model: the Keras model that trains: inputs of `batches` → scores.
        batches: the epoch's number → its batches, or this worker's share of each.
        steps: batches in an epoch.
        validation: the held-out batches, or this worker's share of each.
        epochs: the largest number.
        optimizer: from `build_optimizer`, for this model.
        config: the loss, the patience and the seed.
        workers: the devices and workers that train.
        augment: applied to the inputs of each batch.
        class_weights: the weight of an image of each class, shape (classes,).
        penalty: added to the mean loss.
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


def build_train_step(phase: Phase) -> Callable[[Any, Any], NDArray[np.float64]]:
    """A function from a batch to (summed loss, right answers, images) over all workers."""
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
            # Gradients are summed over the replicas: the objective of each is its part of the mean.
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


def _losses(scores: Any, targets: Any, smoothing: float = 0.0) -> Any:
    """The cross-entropy of each image."""
    import keras
    import tensorflow as tf

    if not smoothing:
        return keras.losses.sparse_categorical_crossentropy(targets, scores)
    return keras.losses.categorical_crossentropy(
        tf.one_hot(targets, scores.shape[-1]), scores, label_smoothing=smoothing
    )


def _sums(losses: Any, scores: Any, targets: Any, counts: Any) -> Any:
    """Summed loss, right answers and images as one float32 vector; `counts` is 0 for padding."""
    import tensorflow as tf

    right = counts * tf.cast(tf.argmax(scores, axis=-1) == targets, tf.float32)
    return tf.stack([tf.reduce_sum(losses), tf.reduce_sum(right), tf.reduce_sum(counts)])
