"""Evaluation: metrics of a split, the split with its scores, golden samples."""

from trainer.evaluation.evaluated_split import EvaluatedSplit
from trainer.evaluation.golden_samples import make_golden_samples
from trainer.evaluation.metrics import (
    ClassMetrics,
    Predictions,
    SplitMetrics,
    class_scores,
    expected_calibration_error,
    measure,
    most_telling,
    predict,
)
from trainer.evaluation.reference import make_reference

__all__ = [
    "ClassMetrics",
    "EvaluatedSplit",
    "Predictions",
    "SplitMetrics",
    "class_scores",
    "expected_calibration_error",
    "make_golden_samples",
    "make_reference",
    "measure",
    "most_telling",
    "predict",
]
