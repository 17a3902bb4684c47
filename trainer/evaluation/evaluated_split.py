"""Held-out pictures together with what the model says of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime import Image
from trainer.data.batches import Batches, Targets


@dataclass(frozen=True)
class Judged:
    """One split, judged by the model.

    Attributes:
        split: `test` or `validation`.
        labels: the classes.
        batches: the pictures.
        scores: float32, shape (pictures, classes).
    """

    split: str
    labels: tuple[str, ...]
    batches: Batches
    scores: NDArray[np.float32]

    @property
    def targets(self) -> Targets:
        """The true class of each picture."""
        return self.batches.targets

    def picture(self, position: int) -> Image:
        """One picture at the model's size."""
        return self.batches.loader.load(self.batches.samples[position])

    def surest_mistakes(self, count: int) -> list[int]:
        """Positions of the wrong answers that the model was surest of, surest first."""
        wrong = np.flatnonzero(self.scores.argmax(axis=1) != self.targets)
        order = np.argsort(-self.scores[wrong].max(axis=1), kind="stable")
        return [int(position) for position in wrong[order][:count]]

    def surest_of_each_class(self, count: int) -> list[int]:
        """For each of up to `count` classes, the rightly answered position that the model is surest of."""
        chosen: list[int] = []
        for target in np.unique(self.targets):
            right = np.flatnonzero((self.targets == target) & (self.scores.argmax(axis=1) == target))
            if len(right):
                chosen.append(int(right[self.scores[right, target].argmax()]))
        return chosen[:count]

    def first_of_each_class(self, count: int) -> list[int]:
        """The first position of each of up to `count` classes."""
        _classes, positions = np.unique(self.targets, return_index=True)
        return [int(position) for position in positions[:count]]
