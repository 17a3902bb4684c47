"""How far images of no class are from those of the classes, in a model's scores."""

import numpy as np
from numpy.typing import NDArray

_LEAST = 1 / 512
"""A score of 0 in 256 levels is anything below half a level."""


def lead_of_unknown(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """The lead of the last output, for images of no class, over the best class, in logits.

    Args:
        scores: of a model with such an output, shape (images, classes + 1).

    Returns:
        Shape (images,); positive for images that are rejected.
    """
    known, unknown = (np.maximum(each, _LEAST) for each in (scores[:, :-1].max(axis=1), scores[:, -1]))
    return np.asarray(np.log(unknown.astype(np.float64) / known), np.float64)


def is_kept(scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether the answer is a class, shape (images,).

    Args:
        scores: of a model with an output for images of no class, shape (images, classes + 1).
    """
    return np.asarray(scores.argmax(axis=1) < scores.shape[1] - 1)
