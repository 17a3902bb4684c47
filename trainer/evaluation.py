"""What a model says of pictures, and how right it is."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.batches import Batch, Targets


def predict(model: Any, batches: Iterable[Batch]) -> NDArray[np.float32]:
    """Scores for every picture, in inference mode, float32, shape (pictures, classes)."""
    import tensorflow as tf

    forward = tf.function(
        lambda pixels: model(tf.cast(pixels, tf.float32), training=False), reduce_retracing=True
    )
    return np.concatenate([forward(pixels).numpy() for pixels, _targets in batches])


def measure(scores: NDArray[np.float32], targets: Targets) -> dict[str, float]:
    """The metrics of one split.

    Args:
        scores: shape (pictures, classes).
        targets: shape (pictures,).

    Returns:
        accuracy, loss (mean cross-entropy, natural logarithm) and count.
    """
    from sklearn.metrics import accuracy_score, log_loss

    classes = range(scores.shape[1])
    return {
        "accuracy": float(accuracy_score(targets, scores.argmax(axis=1))),
        "loss": float(log_loss(targets, normalized(scores), labels=classes)),
        "count": float(len(targets)),
    }


def normalized(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Scores in float64 that sum to 1 exactly enough for scikit-learn."""
    exact = scores.astype(np.float64)
    return np.asarray(exact / exact.sum(axis=1, keepdims=True))
