"""The temperature that makes scores mean what they say."""

import numpy as np
from numpy.typing import NDArray

from trainer.data import Targets

BOUNDS = (0.1, 10.0)
PRIOR_DEVIATION = float(np.log(2))
"""Standard deviation of the logarithm of temperatures: few images cannot move it far from 1."""


def fit_temperature(logits: NDArray[np.float32], targets: Targets) -> float:
    """The temperature with the smallest cross-entropy on held-out images.

    Guo and others, On Calibration of Modern Neural Networks, 2017, section 4.2, with a Gaussian prior on its
    logarithm, which counts as much as one image.

    Args:
        logits: shape (images, classes).
        targets: shape (images,).
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(targets))

    def cost(logarithm: float) -> float:
        loss = -log_softmax(logits / np.exp(logarithm), axis=1)[rows, targets].sum()
        return float(loss + (logarithm / PRIOR_DEVIATION) ** 2 / 2)

    found = minimize_scalar(cost, bounds=np.log(BOUNDS), method="bounded")
    return float(np.exp(found.x))
