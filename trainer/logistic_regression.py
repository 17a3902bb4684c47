"""scikit-learn's logistic regression, on one thread."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def fit_logistic_regression(
    features: NDArray[np.float32],
    targets: NDArray[np.int64],
    *,
    inverse_penalty: float,
    iterations: int,
    weights: NDArray[np.float32] | None = None,
    balanced: bool = False,
) -> Any:
    """Fit it by L-BFGS.

    OpenBLAS divides each product of a matrix and a vector among threads that wait for each other in a loop.
    One thread is several times as fast on an idle machine, and tens of times on a busy one.

    Args:
        features: float32, shape (images, channels).
        targets: class indices, shape (images,).
        inverse_penalty: scikit-learn's C.
        iterations: at most.
        weights: of each image, shape (images,).
        balanced: each class weighs the same, however many images it has.

    Returns:
        The fitted `sklearn.linear_model.LogisticRegression`.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    regression = LogisticRegression(
        C=inverse_penalty, max_iter=iterations, class_weight="balanced" if balanced else None
    )
    with threadpool_limits(1, user_api="blas"):
        return regression.fit(features, targets, sample_weight=weights)
