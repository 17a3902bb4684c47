"""Statistics of answers: McNemar's test, Wilson's interval, top-k accuracy, separation by a margin.

A device has neither scipy nor scikit-learn; tests compare with both.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

SIGNIFICANCE_LEVEL = 0.05
"""A difference with a p-value below this counts as more than chance."""

CONFIDENCE = 0.95
"""Of every interval."""

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


def mcnemar(lost: int, won: int) -> float:
    """The exact two-sided test of McNemar (1947) for two models on the same images.

    If both models were equally good, half of the images that only one of them gets right would be each's.

    Args:
        lost: images that only the first model gets right.
        won: images that only the second model gets right.

    Returns:
        The p-value in [0, 1]: the probability that equally good models differ at least as much.
    """
    count, fewer = lost + won, min(lost, won)
    term = tail = 1
    for number in range(fewer):
        term = term * (count - number) // (number + 1)
        tail += term
    # Integers until here: exact for any count.
    return min(1.0, float(2 * tail / 2**count))


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """The ends of the 95 % interval of a fraction, `right` of `count` (Wilson 1927), in [0, 1]."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    found, scale = right / count, 1 + z**2 / count
    center = (found + z**2 / (2 * count)) / scale
    half = z / scale * sqrt(found * (1 - found) / count + z**2 / (4 * count**2))
    # At 0 and at all of them the formula gives the end but for rounding.
    return (max(0.0, center - half) if right else 0.0, min(1.0, center + half) if right < count else 1.0)


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
