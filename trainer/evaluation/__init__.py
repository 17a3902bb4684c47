"""Evaluation: metrics of a split, the split with its scores, golden samples."""

from trainer.evaluation.evaluated_split import EvaluatedSplit
from trainer.evaluation.golden_samples import make_golden_samples
from trainer.evaluation.metrics import (
    ClassMetrics,
    SplitMetrics,
    expected_calibration_error,
    measure,
    predict,
    top_k_accuracy,
)

__all__ = [
    "ClassMetrics",
    "EvaluatedSplit",
    "SplitMetrics",
    "expected_calibration_error",
    "make_golden_samples",
    "measure",
    "predict",
    "top_k_accuracy",
]
