"""Statistics of right and wrong answers: McNemar's test, Wilson's interval. A device has no scipy."""

from math import sqrt
from statistics import NormalDist

SIGNIFICANCE_LEVEL = 0.05
"""A difference with a p-value below this counts as more than chance."""

CONFIDENCE = 0.95
"""Of every interval."""


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
