"""Statistics of scores: top-k accuracy, separation by a margin. A device has no scikit-learn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KEPT = 0.95
"""Fraction of the images of the classes that is kept where images of no class are counted."""


@dataclass(frozen=True)
class Separation:
    """Images of the classes beside images of no class, by their margins; fractions in [0, 1].

    Attributes:
        auroc: the probability that an image of the classes has the larger margin.
        accepted_at_95: fraction of the images of no class that is accepted where 95 % of the others are.
        accepted: fraction of the images of no class that is accepted by the threshold of 0.
        count: images of no class.
    """

    auroc: float
    accepted_at_95: float
    accepted: float
    count: int


def top_k_accuracy(scores: NDArray[np.float32], targets: NDArray[np.int64], k: int) -> float:
    """Fraction of the images whose right label is among the best `k`.

    Args:
        scores: shape (images, classes).
        targets: right classes, shape (images,).
        k: how many labels count.
    """
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return float((best == targets[:, np.newaxis]).any(axis=1).mean())


def measure_separation(known: NDArray[np.floating], unknown: NDArray[np.floating]) -> Separation:
    """Compare margins.

    Args:
        known: of images of the classes, shape (images,).
        unknown: of images of no class, shape (unknowns,).
    """
    ordered = np.sort(unknown)
    # Pairs with equal margins count half: Mann and Whitney 1947.
    below, not_above = (np.searchsorted(ordered, known, side) for side in ("left", "right"))
    return Separation(
        auroc=float((below.sum() + not_above.sum()) / (2 * len(known) * len(unknown))),
        accepted_at_95=float((unknown >= np.quantile(known, 1 - KEPT)).mean()),
        accepted=float((unknown > 0).mean()),
        count=len(unknown),
    )
