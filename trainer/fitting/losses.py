"""What a training minimizes, for each image of a batch."""

from typing import Any

_SMALLEST = 1e-7
"""Scores below this are taken as this: a logarithm of 0 has no gradient."""


def cross_entropy(targets: Any, scores: Any, smoothing: float = 0.0) -> Any:
    """The cross-entropy of each image, shape (batch,).

    Args:
        targets: int64 class indices, shape (batch,), or the fraction of each class, shape (batch, classes).
        scores: of the network, shape (batch, classes).
        smoothing: fraction of each target that is spread over all classes.
    """
    import keras
    import tensorflow as tf

    if targets.shape.rank == 1:
        if not smoothing:
            return keras.losses.sparse_categorical_crossentropy(targets, scores)
        targets = tf.one_hot(targets, scores.shape[-1])
    return keras.losses.categorical_crossentropy(targets, scores, label_smoothing=smoothing)


def distillation(teacher: Any, scores: Any, temperature: float) -> Any:
    """How far the scores of each image are from the teacher's, shape (batch,).

    The Kullback-Leibler divergence between both at a temperature, times its square, with which the gradients
    are as large as those of the labels (Hinton, Vinyals, Dean: Distilling the knowledge in a neural network,
    2015).

    Args:
        teacher: its scores, shape (batch, classes).
        scores: of the network, shape (batch, classes).
        temperature: what the logarithms of both are divided by.
    """
    import tensorflow as tf

    wanted, found = (
        tf.nn.log_softmax(tf.math.log(tf.maximum(each, _SMALLEST)) / temperature)
        for each in (teacher, scores)
    )
    return temperature**2 * tf.reduce_sum(tf.exp(wanted) * (wanted - found), axis=-1)
