"""Prove on the device that it computes what the workstation did."""

from edge_runtime.core.errors import ModelError
from edge_runtime.inference.classifier import Classifier
from edge_runtime.inference.golden import SelfTest, compare_golden


def run_self_test(classifier: Classifier) -> SelfTest:
    """Classify the card's golden samples.

    Raises:
        ModelError: the model file carries none.
    """
    card = classifier.model.card
    if card is None or not card.golden:
        raise ModelError(f"{classifier.model.name}: no golden samples inside; convert it with edge-convert")
    return compare_golden(card.golden, classifier.scores)
