"""The compiled training step and the compiled evaluation of a phase."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.config import TrainConfig
from trainer.data import NO_CLASS, Augmentation
from trainer.fitting.distribution import Workers
from trainer.fitting.losses import cross_entropy, distillation
from trainer.fitting.optimizers import WeightOptimizer
from trainer.network import Forward, batch_signature

EXPOSURE = 0.5
"""Weight of the mean loss of negatives, beside that of the images of the classes.

Hendrycks, Mazeika, Dietterich: Deep anomaly detection with outlier exposure, 2019.
"""

Pairs = Iterable[tuple[NDArray[Any], NDArray[np.int64]]]
"""Inputs, shape (batch, …), with their class indices, shape (batch,)."""

Evaluation = Callable[[Pairs], tuple[float, float]]
"""Held-out batches → their mean loss and accuracy."""


@dataclass(frozen=True)
class PhaseData:
    """What a phase learns from and is judged by.

    Attributes:
        batches: the epoch's number → its batches, or this worker's share of each.
        steps: batches in an epoch.
        validation: the held-out batches, or this worker's share of each.
        penalty_weight: of the phase's penalty.
        unchanged: the training images as they are, each batch of shape (batch, height, width, 3).
    """

    batches: Callable[[int], Pairs]
    steps: int
    validation: Pairs
    penalty_weight: float = 0.0
    unchanged: Callable[[], Iterable[NDArray[np.uint8]]] = tuple


@dataclass(frozen=True)
class Phase:
    """What one phase trains, and how.

    Attributes:
        name: `head`, `fine-tune` or `scratch`.
        model: the Keras model that trains: inputs of the batches → scores.
        data: what it learns from and is judged by.
        evaluate: from `build_evaluation`, for this model.
        epochs: the largest number.
        optimizer: from `build_optimizer`, for this model.
        config: the loss, the patience and the seed.
        workers: the devices and workers that train.
        augment: applied to the inputs of each batch.
        mix: a Keras layer that blends images and the fractions of their classes, after `augment`.
        teach: inputs → inputs of the model, and scores of a teacher to learn; after `augment` and `mix`.
        class_weights: the weight of an image of each class, shape (classes,).
        negatives: whether batches have images with the target `NO_CLASS`, whose scores become equal.
        penalty: added to the mean loss, times the weight of the data.
        before_validation: called with unchanged training images before each validation.
    """

    name: str
    model: Any
    data: PhaseData
    evaluate: Evaluation
    epochs: int
    optimizer: WeightOptimizer
    config: TrainConfig
    workers: Workers
    augment: Augmentation | None = None
    mix: Any = None
    teach: Callable[[Any], tuple[Any, Any]] | None = None
    class_weights: NDArray[np.float32] | None = None
    negatives: bool = False
    penalty: Callable[[], Any] = lambda: 0.0
    before_validation: Callable[[Iterable[NDArray[np.uint8]]], None] = lambda _pixels: None


def build_train_step(phase: Phase) -> Callable[[Any, Any, float], NDArray[np.float64]]:
    """A function from a batch and the weight of the penalty to (summed loss, right answers, images).

    The sums are those of all workers. Negatives are learnt from, and not counted. The data of the phase are
    no part of it.
    """
    import tensorflow as tf

    model, workers, losses_of = phase.model, phase.workers, _build_losses(phase)

    def replica_step(inputs: Any, targets: Any, penalty_weight: Any) -> Any:
        inputs = tf.cast(inputs, tf.float32)
        if phase.augment is not None:
            inputs = phase.augment(inputs)
        context = tf.distribute.get_replica_context()
        no_class = targets == NO_CLASS
        counts = tf.cast(targets >= 0, tf.float32)
        total = context.all_reduce("SUM", tf.reduce_sum(counts))
        wanted, taught = tf.maximum(targets, 0), None
        if phase.negatives or phase.mix is not None:
            wanted = _fractions(wanted, no_class, model.output_shape[-1])
        if phase.mix is not None:
            mixed = phase.mix({"images": inputs, "labels": wanted})
            inputs, wanted = mixed["images"], mixed["labels"]
        if phase.teach is not None:
            inputs, taught = phase.teach(inputs)
            # A teacher has learnt nothing of them: what it says is not what is wanted.
            taught = tf.where(no_class[:, tf.newaxis], wanted, taught) if phase.negatives else taught
        with tf.GradientTape() as tape:
            scores = model(inputs, training=True)
            losses = losses_of(scores, wanted, taught)
            # Gradients are summed over the replicas: the objective of each is its part of the mean.
            penalty = penalty_weight * phase.penalty() / context.num_replicas_in_sync
            objective = tf.reduce_sum(counts * losses) / total + penalty
            if phase.negatives:
                exposed = tf.cast(no_class, tf.float32)
                number = context.all_reduce("SUM", tf.reduce_sum(exposed))
                objective += EXPOSURE * tf.reduce_sum(exposed * losses) / tf.maximum(number, 1.0)
            scaled = phase.optimizer.scale_loss(objective)
        phase.optimizer.apply(tape.gradient(scaled, phase.optimizer.weights))
        return context.all_reduce("SUM", _sums(losses, scores, wanted, counts))

    # One trace for all batch sizes: tracing costs as much as an epoch of a small data set.
    @tf.function(autograph=False, reduce_retracing=True)
    def step(inputs: Any, targets: Any, penalty_weight: Any) -> Any:
        sums = workers.strategy.run(replica_step, (inputs, targets, penalty_weight))
        return workers.strategy.experimental_local_results(sums)[0]

    # With a teacher, its scores may be further columns of the inputs.
    fixed = workers.devices == 1 and phase.teach is None
    scalar = tf.TensorSpec([], tf.float32)
    run = step.get_concrete_function(*batch_signature(model), scalar) if fixed else step

    def train(inputs: Any, targets: Any, penalty_weight: float) -> NDArray[np.float64]:
        sums: NDArray[np.float64] = run(*workers.spread(inputs, targets), tf.constant(penalty_weight)).numpy()
        return sums

    return train


def build_evaluation(model: Any, workers: Workers, before: Forward | None = None) -> Evaluation:
    """The evaluation of a model in inference mode, over all workers.

    Args:
        model: a Keras model that gives scores.
        workers: that evaluate a share each.
        before: what the inputs go through first: the part of a network that is compiled already.
    """
    import tensorflow as tf

    @tf.function(autograph=False, input_signature=batch_signature(model))
    def step(inputs: Any, targets: Any) -> Any:
        scores = model(tf.cast(inputs, tf.float32), training=False)
        return _sums(cross_entropy(targets, scores), scores, targets, tf.ones_like(targets, tf.float32))

    def evaluate(pairs: Pairs) -> tuple[float, float]:
        sums = [
            step(before(inputs) if before else inputs, targets).numpy()
            for inputs, targets in pairs
            if len(targets)
        ]
        total = workers.total(np.array(sums, np.float64).reshape(-1, 3).sum(axis=0))
        return float(total[0] / total[2]), float(total[1] / total[2])

    return evaluate


def _build_losses(phase: Phase) -> Callable[[Any, Any, Any], Any]:
    """A function from (scores, targets, scores of the teacher) to the weighted loss of each image.

    The targets are class indices, or the fraction of each class.
    """
    import tensorflow as tf

    config, weights = phase.config, phase.class_weights

    def losses_of(scores: Any, wanted: Any, taught: Any) -> Any:
        losses = cross_entropy(wanted, scores, config.label_smoothing)
        if taught is not None:
            from_teacher = distillation(taught, scores, config.teacher_temperature)
            losses += config.teacher_weight * (from_teacher - losses)
        if weights is None:
            return losses
        is_index = wanted.shape.rank == 1
        return losses * (tf.gather(weights, wanted) if is_index else tf.linalg.matvec(wanted, weights))

    return losses_of


def _fractions(targets: Any, no_class: Any, classes: int) -> Any:
    """The fraction of each class: all of one class, or equal fractions where an image is of no class."""
    import tensorflow as tf

    return tf.where(no_class[:, tf.newaxis], 1 / classes, tf.one_hot(targets, classes))


def _sums(losses: Any, scores: Any, targets: Any, counts: Any) -> Any:
    """Summed loss, right answers and images as one float32 vector; `counts` is 0 for what is not counted.

    Of a blended image the class with the largest fraction is the right answer.
    """
    import tensorflow as tf

    if targets.shape.rank == 2:
        targets = tf.argmax(targets, axis=-1)
    right = counts * tf.cast(tf.argmax(scores, axis=-1) == targets, tf.float32)
    return tf.stack([tf.reduce_sum(counts * losses), tf.reduce_sum(right), tf.reduce_sum(counts)])
