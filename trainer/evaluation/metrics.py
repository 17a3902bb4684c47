"""Scores of images and the metrics of a split."""

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.datasets import CROSS_VALIDATION, TEST, VALIDATION
from edge_runtime.inference import top_k_accuracy
from trainer.data import Targets
from trainer.network import CachedFeatures, Statistics, build_forward

CALIBRATION_BINS = 15


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics of one class; all but `count` in [0, 1]."""

    precision: float
    recall: float
    f1: float
    count: int


@dataclass(frozen=True)
class SplitMetrics:
    """Metrics of one split.

    Attributes:
        accuracy: fraction of the images whose best label is right.
        top_5_accuracy: fraction of the images whose right label is among the best five.
        loss: mean cross-entropy, natural logarithm.
        expected_calibration_error: mean difference between the score and the fraction of right answers
            among images with such a score.
        count: images.
        per_class: by label.
        confusion: images by true label (row) and predicted label (column).
        kept: fraction of the images that the rejection keeps; None without one. All other numbers are of the
            classes alone, whether the image is kept or not.
    """

    accuracy: float
    top_5_accuracy: float
    loss: float
    expected_calibration_error: float
    count: int
    per_class: dict[str, ClassMetrics]
    confusion: tuple[tuple[int, ...], ...]
    kept: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The object of one split in `metrics.json`."""
        return dataclasses.asdict(self)

    def summary(self) -> dict[str, float]:
        """The single numbers, as in the card."""
        return {
            name: float(value) for name, value in self.to_dict().items() if isinstance(value, int | float)
        }


@dataclass(frozen=True, eq=False)
class Predictions:
    """The outputs for the images of a split, and statistics of the images.

    Attributes:
        outputs: the model's scores, float32, shape (images, outputs).
        statistics: `brightness`, `contrast` and `sharpness` of each image, each of shape (images,); None of
            training images.
    """

    outputs: NDArray[np.float32]
    statistics: Statistics | None


def most_telling(names: Collection[str]) -> str:
    """Of the splits that a training was evaluated on, the one that tells most of new images."""
    return next(name for name in (TEST, VALIDATION, CROSS_VALIDATION) if name in names)


def predict(head: Any, features: CachedFeatures) -> Predictions:
    """Run the last part of a model on the features of every image.

    Args:
        head: Keras model: features → scores.
        features: of all images.
    """
    forward = build_forward(head)
    return Predictions(np.concatenate([forward(rows) for rows in features.blocks()]), features.statistics)


def class_scores(outputs: NDArray[np.float32], classes: int) -> NDArray[np.float32]:
    """The scores among the classes alone, as if no image could be rejected: float32, shape (images, classes).

    Args:
        outputs: of the model, shape (images, classes) or with one more output for images of no class.
        classes: number of classes.
    """
    known = outputs[:, :classes]
    return known if outputs.shape[1] == classes else known / known.sum(axis=1, keepdims=True)


def measure(outputs: NDArray[np.float32], targets: Targets, labels: Sequence[str]) -> SplitMetrics:
    """The metrics of one split.

    Args:
        outputs: of the model, shape (images, classes) or with one more output for images of no class.
        targets: shape (images,).
        labels: of the classes.
    """
    from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support

    classes = range(len(labels))
    scores = class_scores(outputs, len(labels))
    rejects = outputs.shape[1] > len(labels)
    found = scores.argmax(axis=1)
    per_class = precision_recall_fscore_support(targets, found, labels=classes, zero_division=0.0)
    confusion = confusion_matrix(targets, found, labels=classes)
    return SplitMetrics(
        accuracy=float(accuracy_score(targets, found)),
        top_5_accuracy=top_k_accuracy(scores, targets, 5),
        loss=float(log_loss(targets, normalized(scores), labels=classes)),
        expected_calibration_error=expected_calibration_error(scores, targets),
        count=len(targets),
        per_class={
            label: ClassMetrics(float(precision), float(recall), float(f1), int(count))
            for label, precision, recall, f1, count in zip(labels, *per_class, strict=True)
        },
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        kept=float((outputs.argmax(axis=1) < len(labels)).mean()) if rejects else None,
    )


def expected_calibration_error(scores: NDArray[np.float32], targets: Targets) -> float:
    """Mean difference between best score and fraction of right answers, over 15 bins of equal width.

    Guo and others, On Calibration of Modern Neural Networks, 2017, equation 3.
    """
    confidence = scores.max(axis=1).astype(np.float64)
    right = scores.argmax(axis=1) == targets
    # A score of 0 is in the first bin, 1 in the last.
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int), 1, CALIBRATION_BINS)
    gaps = [abs((right[bins == number] - confidence[bins == number]).sum()) for number in np.unique(bins)]
    return float(sum(gaps) / len(targets))


def normalized(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Scores in float64 that sum to 1 exactly enough for scikit-learn."""
    exact = scores.astype(np.float64)
    return np.asarray(exact / exact.sum(axis=1, keepdims=True))
