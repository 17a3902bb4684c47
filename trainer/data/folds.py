"""Folds of a cross-validation: every image is held out once, near-duplicates together."""

import numpy as np
from numpy.typing import NDArray

FOLDS = 5

Fold = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Positions of the training images and of the held-out images."""


def make_folds(
    targets: NDArray[np.int64], groups: NDArray[np.int64], seed: int, count: int = FOLDS
) -> list[Fold]:
    """Divide images into folds with the same share of each class.

    Args:
        targets: class indices, shape (images,).
        groups: images of one number are in one fold, shape (images,).
        seed: the same seed gives the same folds.
        count: of folds; at most the groups of the smallest class.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return list(folds.split(np.zeros(len(targets)), targets, groups))


def fewest_groups(targets: NDArray[np.int64], groups: NDArray[np.int64]) -> int:
    """How many groups the class with the fewest has: the largest number of folds."""
    return min(len(np.unique(groups[targets == target])) for target in np.unique(targets))
