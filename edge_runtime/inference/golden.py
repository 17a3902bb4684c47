"""Golden samples: do the scores found here agree with those of the float model on the workstation?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edge_runtime.core.errors import ImageError, ModelError
from edge_runtime.core.types import Image, Scores
from edge_runtime.images.codec import decode_image
from edge_runtime.model.card import GoldenSample

# Quantization moves scores a little; a wrong channel order or input range moves them by more than this.
MAX_DIFFERENCE = 0.25


@dataclass(frozen=True)
class SelfTest:
    """How the model's answers compare with the float model's.

    Attributes:
        samples: how many golden samples were classified.
        agreeing: how many kept the float model's best label.
        largest_difference: of any score, in [0, 1].
    """

    samples: int
    agreeing: int
    largest_difference: float

    @property
    def passed(self) -> bool:
        """Every label is the same, and no score is further off than `MAX_DIFFERENCE`."""
        return self.agreeing == self.samples and self.largest_difference <= MAX_DIFFERENCE

    def __str__(self) -> str:
        return (
            f"{self.agreeing} of {self.samples} golden samples have the same label, "
            f"largest score difference {self.largest_difference:.3f}"
        )


def compare_golden(golden: Sequence[GoldenSample], scores: Callable[[Image], Scores]) -> SelfTest:
    """Classify golden samples.

    Args:
        golden: one or more.
        scores: the model that is tested: uint8 RGB, shape (height, width, 3) → float32, shape (classes,).

    Raises:
        ModelError: a sample is no image.
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
