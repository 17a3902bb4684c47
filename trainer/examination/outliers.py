"""Images that are like no other image: not of any class, or of another kind."""

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 10
MAX_DEVIATION = 6.0
"""Robust standard deviations of the logarithm of the distance."""

_NORMAL_MAD = 1.4826
"""Standard deviation of a normal distribution, in median absolute deviations."""


def find_outliers(features: NDArray[np.float32]) -> list[tuple[int, float]]:
    """Images far from their nearest neighbours.

    Args:
        features: reduced descriptors, shape (images, components).

    Returns:
        Position and deviation, the farthest first.
    """
    from sklearn.neighbors import NearestNeighbors

    count = min(NEIGHBOURS + 1, len(features))
    distances = NearestNeighbors(n_neighbors=count).fit(features).kneighbors(features)[0][:, 1:]
    logs = np.log(np.maximum(distances.mean(axis=1), 1e-9))
    spread = _NORMAL_MAD * np.median(np.abs(logs - np.median(logs)))
    deviations = (logs - np.median(logs)) / max(spread, 1e-9)
    found = np.flatnonzero(deviations > MAX_DEVIATION)
    return [(int(at), float(deviations[at])) for at in found[np.argsort(-deviations[found])]]
