"""Learn from negatives: a direction of the features, and how much it may weigh."""

import numpy as np
from numpy.typing import NDArray

from edge_runtime.inference import measure_separation
from trainer.data import Targets
from trainer.network import NegativeDetector

PENALTY = 0.01
"""scikit-learn's C, the inverse of the penalty: there are far fewer negatives than features."""

FOLDS = 5
WEIGHTS = (0.5, 1.0, 2.0, 4.0)
FEWEST = 5

Rows = NDArray[np.float32]


def fit_negatives(
    train: Rows, negatives: Rows, held_out: Rows, margin: Rows, unknown_margin: Rows, seed: int
) -> tuple[NegativeDetector | None, Rows]:
    """Logistic regression between training images and negatives, weighed by what it adds on held-out images.

    Args:
        train: features of training images, shape (images, channels).
        negatives: features of negatives, shape (negatives, channels).
        held_out: features of held-out images of the classes.
        margin: of the held-out images without the detector.
        unknown_margin: of the negatives without it.
        seed: of the folds.

    Returns:
        The detector, None where the negatives are too few or it does not help; and how much each negative
        resembles the others, by a regression that has not seen it.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    if len(negatives) < FEWEST:
        return None, np.zeros(len(negatives), np.float32)
    mean, spread = train.mean(axis=0), train.std(axis=0) + 0.05 * train.std()
    rows = (np.concatenate([train, negatives]) - mean) / spread
    targets: Targets = np.repeat([0, 1], [len(train), len(negatives)])
    regression = LogisticRegression(C=PENALTY, class_weight="balanced", max_iter=2000)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    unseen = cross_val_predict(regression, rows, targets, cv=folds, method="decision_function")[len(train) :]
    regression.fit(rows, targets)
    weights = regression.coef_[0] / spread
    bias = float(regression.intercept_[0] - mean @ weights)
    known = held_out @ weights + bias
    middle, scale = float(np.median(known)), _spread(margin) / max(_spread(known), 1e-6)
    evidence, unseen_evidence = np.maximum(0, known - middle), np.maximum(0, unseen - middle)

    def auroc(weight: float) -> float:
        added = weight * scale
        return measure_separation(margin - added * evidence, unknown_margin - added * unseen_evidence).auroc

    best = max((0.0, *WEIGHTS), key=auroc)
    if best == 0:
        return None, np.zeros(len(negatives), np.float32)
    factor = best * scale
    detector = NegativeDetector((factor * weights).astype(np.float32), factor * (bias - middle))
    return detector, np.asarray(factor * unseen_evidence, np.float32)


def _spread(values: Rows) -> float:
    """Between the quartiles: a few far images change a standard deviation a hundredfold."""
    return float(np.subtract(*np.quantile(values, (0.75, 0.25))))
