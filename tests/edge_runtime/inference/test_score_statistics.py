"""Figures of scikit-learn, without it."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, top_k_accuracy_score

from edge_runtime.inference import measure_separation, top_k_accuracy


def test_the_area_is_scikit_learns_on_a_thousand_cases() -> None:
    random = np.random.default_rng(0)
    for _ in range(1000):
        # Few levels: many equal margins, as of a quantized model.
        known, unknown = (
            (random.normal(mean, 1, random.integers(1, 60)) * 4).round().astype(np.float32) for mean in (1, 0)
        )
        truth = np.repeat([1, 0], [len(known), len(unknown)])
        expected = roc_auc_score(truth, np.concatenate([known, unknown]))
        assert measure_separation(known, unknown).auroc == pytest.approx(expected, abs=1e-9)


def test_top_k_is_scikit_learns() -> None:
    random = np.random.default_rng(0)
    scores, targets = random.random((200, 9)).astype(np.float32), random.integers(0, 9, 200)
    for k in range(1, 9):
        expected = top_k_accuracy_score(targets, scores, k=k, labels=np.arange(9))
        assert top_k_accuracy(scores, targets, k) == pytest.approx(expected)
