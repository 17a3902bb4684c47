"""The head as a logistic regression on cached features; its penalty is chosen by cross-validation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.data import Fold, Targets
from trainer.logistic_regression import fit_logistic_regression

PENALTIES = tuple(10 ** (step / 2) for step in range(7))
"""L2 penalties to choose from, as of `--head-l2`: 1 to 1,000."""

_MISSING = -20.0
"""Bias of a class that the images do not have."""

_SMALLEST = 1e-7
"""The least score in a loss, as in Keras."""


@dataclass(frozen=True, eq=False)
class LinearHead:
    """The last layer: features → scores.

    Attributes:
        kernel: float32, shape (channels, classes).
        bias: float32, shape (classes,).
    """

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The scores of images, shape (images, classes)."""
        logits = features @ self.kernel + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


@dataclass(frozen=True, eq=False)
class FeatureCopies:
    """The features of images and of their mirrored and augmented copies.

    Attributes:
        features: float32, shape (copies, images, channels); the first are of the unchanged images.
        targets: class indices, shape (images,).
        weights: the weight of each class in the loss, shape (classes,).
        copy_weights: the weight of each copy in the loss, shape (copies,); they add up to the number of
            copies. None where all weigh the same.
    """

    features: NDArray[np.float32]
    targets: Targets
    weights: NDArray[np.float32]
    copy_weights: NDArray[np.float32] | None = None

    def fit(self, positions: NDArray[np.int64], penalty: float) -> LinearHead:
        """The head of some of the images, all of their copies.

        Args:
            positions: of the images.
            penalty: of the squared weights, as of `--head-l2`, against the summed loss of the images.
        """
        copies = len(self.features)
        targets = np.tile(self.targets[positions], copies)
        weights = self.weights[targets]
        if self.copy_weights is not None:
            weights = weights * np.repeat(self.copy_weights, len(positions))
        regression = fit_logistic_regression(
            self.features[:, positions].reshape(len(targets), -1),
            targets,
            inverse_penalty=1 / (penalty * copies),
            iterations=1000,
            weights=weights,
        )
        kernel, bias = regression.coef_.T, regression.intercept_
        if len(regression.classes_) == 2:
            # One logit: the same scores as those of two, of opposite signs.
            kernel, bias = np.hstack([-kernel, kernel]) / 2, np.concatenate([-bias, bias]) / 2
        return self._with_all_classes(regression.classes_, kernel, bias)

    def _with_all_classes(
        self, found: NDArray[np.int64], kernel: NDArray[np.float64], bias: NDArray[np.float64]
    ) -> LinearHead:
        classes = len(self.weights)
        whole = np.zeros((len(kernel), classes), np.float32)
        offsets = np.full(classes, _MISSING, np.float32)
        whole[:, found], offsets[found] = kernel, bias
        return LinearHead(whole, offsets)

    def score_out_of_fold(self, folds: Sequence[Fold], penalty: float) -> NDArray[np.float32]:
        """Scores of heads for the images that they were not fitted on, shape (images, classes)."""
        scores = np.zeros((len(self.targets), len(self.weights)), np.float32)
        for train, held_out in folds:
            scores[held_out] = self.fit(train, penalty).scores(self.features[0, held_out])
        return scores


def choose_penalty(copies: FeatureCopies, repeats: Sequence[Sequence[Fold]]) -> float:
    """The penalty with the lowest mean loss out of fold.

    The loss tells more of few images than their right answers: those are the same for many penalties.

    Args:
        copies: the features.
        repeats: several divisions into folds: with few images one of them says little.
    """

    def loss(penalty: float) -> float:
        each = [
            image_losses(copies.score_out_of_fold(folds, penalty), copies.targets, copies.weights)
            for folds in repeats
        ]
        return float(np.mean(each))

    return min(PENALTIES, key=loss)


def image_losses(
    scores: NDArray[np.float32], targets: Targets, weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The weighted cross-entropy of each image, shape (images,)."""
    right = scores[np.arange(len(targets)), targets].astype(np.float64)
    return np.asarray(-np.log(np.maximum(right, _SMALLEST)) * weights[targets])
