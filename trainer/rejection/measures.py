"""How well images of the classes and images of no class are told apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KEPT = 0.95


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


def measure_separation(known: NDArray[np.float32], unknown: NDArray[np.float32]) -> Separation:
    """Compare margins.

    Args:
        known: of images of the classes, shape (images,).
        unknown: of images of no class, shape (unknowns,).
    """
    from sklearn.metrics import roc_auc_score

    margins = np.concatenate([known, unknown])
    truth = np.repeat([1, 0], [len(known), len(unknown)])
    return Separation(
        auroc=float(roc_auc_score(truth, margins)),
        accepted_at_95=float((unknown >= np.quantile(known, 1 - KEPT)).mean()),
        accepted=float((unknown > 0).mean()),
        count=len(unknown),
    )
