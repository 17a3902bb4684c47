"""Self-test: compare the scores computed here with the float model's scores for the golden samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edge_runtime.core import Image, ImageError, ModelError, Scores
from edge_runtime.images import decode_image
from edge_runtime.inference.classifier import Classifier
from edge_runtime.model import GoldenSample, ModelFile

MAX_DIFFERENCE = 0.25
"""Quantization changes scores a little; a wrong channel order or input range changes them by more."""


@dataclass(frozen=True)
class SelfTest:
    """How the scores of golden samples compare with the float model's.

    Attributes:
        samples: how many golden samples were classified.
        agreeing: how many have the float model's best label.
        largest_difference: of any score, in [0, 1].
    """

    samples: int
    agreeing: int
    largest_difference: float

    @property
    def passed(self) -> bool:
        """Whether every label is the same, and no score differs by more than `MAX_DIFFERENCE`."""
        return self.agreeing == self.samples and self.largest_difference <= MAX_DIFFERENCE

    def __str__(self) -> str:
        return (
            f"{self.agreeing} of {self.samples} golden samples have the same label, "
            f"largest score difference {self.largest_difference:.3f}"
        )


def run_self_test(file: ModelFile, classifier: Classifier) -> SelfTest:
    """Classify the golden samples of a model file.

    Args:
        file: the model file.
        classifier: what was loaded from it.

    Raises:
        ModelError: the model file has none, or one that is not an image.
    """
    if file.card is None or not file.card.golden:
        raise ModelError(f"{file.name}: no golden samples inside; convert it with edge-convert")
    return compare_golden(file.card.golden, classifier.scores)


def check_self_test(file: ModelFile, classifier: Classifier) -> None:
    """Refuse a model that gives its golden samples wrong scores; one without golden samples passes.

    Raises:
        ModelError: with the comparison.
    """
    if file.card is None or not file.card.golden:
        return
    outcome = run_self_test(file, classifier)
    if not outcome.passed:
        raise ModelError(f"{file.name}: the self-test failed: {outcome}")


def compare_golden(golden: Sequence[GoldenSample], scores: Callable[[Image], Scores]) -> SelfTest:
    """Compare scores with those of golden samples.

    Args:
        golden: one or more.
        scores: the tested model: uint8 RGB, shape (height, width, 3) → float32, shape (classes,).

    Raises:
        ModelError: a sample is not an image.
    """
    expected = np.array([sample.scores for sample in golden])
    try:
        images = [decode_image(sample.png, name="golden sample", at_least=0) for sample in golden]
    except ImageError as error:
        raise ModelError(f"the model card is damaged: {error}") from error
    found = np.array([scores(image) for image in images])
    return SelfTest(
        samples=len(golden),
        agreeing=int((expected.argmax(axis=1) == found.argmax(axis=1)).sum()),
        largest_difference=float(np.abs(expected - found).max()),
    )
