"""Likely wrong labels, by confident learning over scores out of fold.

Source: C. Northcutt, L. Jiang, I. Chuang, Confident Learning, 2021; cleanlab computes it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data import Fold
from trainer.logistic_regression import fit_logistic_regression

PENALTY = 0.1
"""Inverse strength of the classifier's L2 penalty."""

_COMPONENTS = 160


@dataclass(frozen=True, eq=False)
class LabelIssue:
    """An image whose label is likely wrong.

    Attributes:
        position: of the image.
        suggestion: the class that it looks like.
        confidence: the score of that class, in [0, 1].
    """

    position: int
    suggestion: int
    confidence: float


def reduce_descriptors(*parts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Principal components of descriptors, each part with the same weight, shape (images, at most 160).

    They are not whitened: the components that vary little are mostly noise.
    """
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    scaled = np.hstack([StandardScaler().fit_transform(part) / part.shape[1] ** 0.5 for part in parts])
    reduced = PCA(min(_COMPONENTS, *scaled.shape), random_state=0).fit_transform(scaled)
    return np.asarray(reduced / max(float(reduced[:, 0].std()), 1e-9), np.float32)


def score_out_of_fold(
    features: NDArray[np.float32],
    targets: NDArray[np.int64],
    folds: Sequence[Fold],
) -> NDArray[np.float64]:
    """Scores of a logistic regression for images that it was not fitted on, shape (images, classes)."""
    scores = np.zeros((len(targets), int(targets.max()) + 1))
    for train, test in folds:
        classifier = fit_classifier(features[train], targets[train])
        scores[test[:, None], classifier.classes_[None]] = classifier.predict_proba(features[test])
    return scores


def fit_classifier(features: NDArray[np.float32], targets: NDArray[np.int64]) -> Any:
    """A logistic regression on reduced descriptors."""
    return fit_logistic_regression(features, targets, inverse_penalty=PENALTY, iterations=500)


def find_label_issues(targets: NDArray[np.int64], scores: NDArray[np.float64]) -> Iterator[LabelIssue]:
    """Images whose label is likely wrong, the surest first."""
    from cleanlab.filter import find_label_issues

    ranked = find_label_issues(
        targets, scores, filter_by="both", return_indices_ranked_by="self_confidence", n_jobs=1
    )
    for position in ranked:
        suggestion = int(scores[position].argmax())
        if suggestion != targets[position]:
            yield LabelIssue(int(position), suggestion, float(scores[position, suggestion]))
