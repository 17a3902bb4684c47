"""The images of a split together with their scores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image
from trainer.data import Batches, Targets


@dataclass(frozen=True)
class EvaluatedSplit:
    """One split with its scores.

    Attributes:
        split: `test`, `validation` or `cross-validation`.
        labels: the classes.
        batches: the images.
        scores: float32, shape (images, classes).
    """

    split: str
    labels: tuple[str, ...]
    batches: Batches
    scores: NDArray[np.float32]

    @property
    def targets(self) -> Targets:
        """The true class of each image."""
        return self.batches.targets

    def image(self, position: int) -> Image:
        """One image at the model's size."""
        return self.batches.loader.load(self.batches.samples[position])

    def most_confident_mistakes(self, count: int) -> list[int]:
        """Positions of the wrong answers with the highest scores, highest first."""
        wrong = np.flatnonzero(self.scores.argmax(axis=1) != self.targets)
        order = np.argsort(-self.scores[wrong].max(axis=1), kind="stable")
        return [int(position) for position in wrong[order][:count]]

    def most_confident_of_each_class(self, classes: int, images: int) -> list[list[int]]:
        """For each of up to so many classes, the positions of the right answers with the highest scores."""
        chosen: list[list[int]] = []
        for target in np.unique(self.targets):
            right = np.flatnonzero((self.targets == target) & (self.scores.argmax(axis=1) == target))
            if len(right):
                order = np.argsort(-self.scores[right, target], kind="stable")
                chosen.append([int(position) for position in right[order][:images]])
        return chosen[:classes]

    def first_of_each_class(self, count: int) -> list[int]:
        """The first position of each of up to `count` classes."""
        _classes, positions = np.unique(self.targets, return_index=True)
        return [int(position) for position in positions[:count]]
