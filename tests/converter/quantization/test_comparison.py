"""How close scores are to those of the Keras model."""

import numpy as np
import pytest

from converter.quantization import compare, measure_agreement, measure_class_agreement

EXPECTED = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.3, 0.2, 0.5]], np.float32)


def rejecting(scores: np.ndarray, unknown: list[float]) -> np.ndarray:
    """The same scores among the classes, with so much for images of no class."""
    share = np.array(unknown, np.float32)[:, np.newaxis]
    return np.hstack([scores * (1 - share), share])


def test_classes_are_compared_whatever_is_rejected() -> None:
    found = np.array([[0.6, 0.3, 0.1], [0.1, 0.6, 0.3], [0.5, 0.2, 0.3]], np.float32)
    without = measure_agreement(EXPECTED, found)
    assert without.agreement == pytest.approx(2 / 3)
    expected = rejecting(EXPECTED, [0.0, 0.1, 0.9])
    with_unknown = measure_class_agreement(expected, rejecting(found, [0.4, 0.8, 0.2]), 3)
    assert with_unknown.agreement == without.agreement
    assert with_unknown.kl_divergence == pytest.approx(without.kl_divergence, rel=1e-4)
    assert measure_class_agreement(EXPECTED, found, 3) == without
    compared = compare(expected, rejecting(found, [0.4, 0.0, 0.2]), np.array([0, 1, 2]), ("a", "b", "c"))
    assert compared.kl_divergence == pytest.approx(without.kl_divergence, rel=1e-4)
    assert (compared.float_accuracy, compared.accuracy) == (1.0, pytest.approx(2 / 3))


def test_an_image_that_is_surely_of_no_class_is_compared_too() -> None:
    """Its scores of the classes are all 0 in int8."""
    measured = measure_class_agreement(rejecting(EXPECTED, [0, 0, 0.99]), rejecting(EXPECTED, [0, 0, 1]), 3)
    assert np.isfinite(measured.kl_divergence)
