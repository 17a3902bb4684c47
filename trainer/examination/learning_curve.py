"""Whether more images would help, class by class: recall against the number of training images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.examination.labels import fit_classifier

FRACTIONS = (0.125, 0.25, 0.5, 1.0)
"""Of the training images of each fold."""

_Folds = Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Recall out of fold.

    Attributes:
        images: images of a class that were trained on, mean, shape (points,).
        recall: shape (points, classes).
        accuracy: shape (points,).
    """

    images: NDArray[np.float64]
    recall: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    def gain(self, counts: NDArray[np.int64]) -> NDArray[np.float64]:
        """By how much the recall of each class is expected to rise with twice the images, shape (classes,).

        The error is taken for a power of the number of images (M. Hestness and others, Deep Learning Scaling
        is Predictable, Empirically, 2017), with a line through the last three points in logarithms.

        Args:
            counts: images of each class.
        """
        # Half an error where none was seen.
        errors = np.maximum(1 - self.recall[-3:], 0.5 / np.maximum(counts, 1))
        logs = np.log(self.images[-3:])
        centred = (logs - logs.mean())[:, None]
        slopes = (centred * np.log(errors)).sum(axis=0) / (centred**2).sum()
        return np.asarray(errors[-1] * (1 - 2 ** np.minimum(slopes, 0)), np.float64)


def measure_curve(
    features: NDArray[np.float32], targets: NDArray[np.int64], folds: _Folds, seed: int
) -> LearningCurve:
    """Fit a classifier on parts of the training images of each fold, and test it on the rest.

    Args:
        features: reduced descriptors.
        targets: shape (images,).
        folds: training and test positions.
        seed: of the parts.
    """
    random = np.random.default_rng(seed)
    classes = int(targets.max()) + 1
    right = np.zeros((len(FRACTIONS), classes))
    trained = np.zeros(len(FRACTIONS))
    for train, test in folds:
        shuffled = random.permutation(train)
        for point, fraction in enumerate(FRACTIONS):
            part = _part(shuffled, targets, fraction)
            classifier = fit_classifier(features[part], targets[part])
            hits = test[classifier.predict(features[test]) == targets[test]]
            right[point] += np.bincount(targets[hits], minlength=classes)
            trained[point] += len(part) / classes / len(folds)
    counts = np.bincount(targets, minlength=classes)
    return LearningCurve(trained, right / counts, right.sum(axis=1) / counts.sum())


def _part(order: NDArray[np.int64], targets: NDArray[np.int64], fraction: float) -> NDArray[np.int64]:
    """A fraction of the images of each class, at least one."""
    parts = []
    for label in np.unique(targets[order]):
        own = order[targets[order] == label]
        parts.append(own[: max(1, round(fraction * len(own)))])
    return np.concatenate(parts)
