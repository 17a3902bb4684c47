"""Metrics, held against what can be counted by hand."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.inference import top_k_accuracy
from trainer.evaluation.metrics import expected_calibration_error, measure

LABELS = ("cat", "dog", "owl")
SCORES = np.array(
    [[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.5, 0.4, 0.1], [0.2, 0.2, 0.6]], np.float32
)
TARGETS = np.array([0, 0, 1, 1, 2])


def test_the_metrics_are_what_can_be_counted() -> None:
    metrics = measure(SCORES, TARGETS, LABELS)
    assert metrics.accuracy == pytest.approx(4 / 5)
    assert metrics.top_5_accuracy == 1.0
    assert metrics.count == 5
    assert metrics.loss == pytest.approx(-np.log([0.7, 0.6, 0.8, 0.4, 0.6]).mean(), rel=1e-5)
    assert metrics.confusion == ((2, 0, 0), (1, 1, 0), (0, 0, 1))
    cat, dog = metrics.per_class["cat"], metrics.per_class["dog"]
    assert (cat.precision, cat.recall, cat.count) == (pytest.approx(2 / 3), 1.0, 2)
    assert (dog.precision, dog.recall, dog.f1) == (1.0, 0.5, pytest.approx(2 / 3))
    assert metrics.summary().keys() == {
        "accuracy", "top_5_accuracy", "loss", "expected_calibration_error", "count"
    }  # fmt: skip
    assert json.loads(json.dumps(metrics.to_dict()))["per_class"]["owl"]["count"] == 1


def test_a_class_that_no_image_shows_has_no_recall() -> None:
    metrics = measure(SCORES[:4], TARGETS[:4], LABELS)
    assert metrics.per_class["owl"].recall == 0.0
    assert metrics.per_class["owl"].count == 0


def test_a_model_that_knows_how_sure_it_may_be_has_no_calibration_error() -> None:
    scores = np.tile(np.array([[0.75, 0.25]], np.float32), (400, 1))
    targets = np.array([0, 0, 0, 1] * 100)
    assert expected_calibration_error(scores, targets) == pytest.approx(0.0, abs=1e-6)
    assert expected_calibration_error(scores, np.zeros(400, np.int64)) == pytest.approx(0.25, abs=1e-6)
    sure = np.tile(np.array([[1.0, 0.0]], np.float32), (10, 1))
    assert expected_calibration_error(sure, np.ones(10, np.int64)) == pytest.approx(1.0)


@given(st.integers(1, 60), st.integers(2, 12), st.integers(0, 1000))
def test_top_k_grows_with_k_and_ends_at_one(count: int, classes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.random((count, classes)).astype(np.float32)
    targets = random.integers(0, classes, count)
    shares = [top_k_accuracy(scores, targets, k) for k in range(1, classes + 1)]
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx((scores.argmax(axis=1) == targets).mean())
    assert shares[-1] == 1.0
    assert 0.0 <= expected_calibration_error(scores, targets) <= 1.0
