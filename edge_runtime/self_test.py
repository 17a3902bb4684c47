"""Prove on the device that it computes what the workstation did."""

from dataclasses import dataclass

import numpy as np

from edge_runtime.classifier import Classifier
from edge_runtime.errors import ModelError
from edge_runtime.images import decode_image

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


def run_self_test(classifier: Classifier) -> SelfTest:
    """Classify the card's golden samples.

    Raises:
        ModelError: the model file carries none.
    """
    card = classifier.model.card
    if card is None or not card.golden:
        raise ModelError(f"{classifier.model.name}: no golden samples inside; convert it with edge-convert")
    expected = np.array([sample.scores for sample in card.golden])
    found = np.array(
        [classifier.scores(decode_image(sample.png, name="golden sample")) for sample in card.golden]
    )
    return SelfTest(
        samples=len(card.golden),
        agreeing=int((expected.argmax(axis=1) == found.argmax(axis=1)).sum()),
        largest_difference=float(np.abs(expected - found).max()),
    )
