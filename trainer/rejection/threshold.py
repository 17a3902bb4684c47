"""The threshold that keeps a given fraction of new images of the classes, and how precise it is."""

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95


def fit_threshold(values: NDArray[np.float32], keep: float) -> float:
    """The value that a fraction `keep` of new images is expected to exceed.

    Held-out images and new ones are exchangeable: a new one is below the k-th smallest of n with probability
    k / (n + 1); between two of them it is interpolated (Vovk and others, Algorithmic Learning in a Random
    World, 2005, section 2.2).

    Args:
        values: of held-out images, shape (images,).
        keep: in (0, 1).
    """
    return float(np.quantile(values.astype(np.float64), 1 - keep, method="weibull"))


def kept_interval(images: int, keep: float) -> tuple[float, float]:
    """Within which the fraction of kept new images is, with 95 % confidence over trainings.

    The distribution function at an order statistic follows a beta distribution.

    Args:
        images: held-out images that the threshold was fitted on.
        keep: the fraction that is aimed at.
    """
    from scipy.stats import beta

    rank = (1 - keep) * (images + 1)
    tail = (1 - CONFIDENCE) / 2
    low, high = beta.ppf([tail, 1 - tail], images + 1 - rank, rank)
    return float(low), float(high)
