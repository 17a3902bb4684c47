"""benchmarks: the model files beside the Keras model: accuracy, agreement, latency and size, as a report."""

from benchmarks.held_out import HeldOut, find_held_out
from benchmarks.measure import Accuracy, Latency, measure_accuracy, measure_latency
from benchmarks.report import Report, TargetReport
from benchmarks.targets import KerasTarget, ModelFileTarget, Target

__all__ = [
    "Accuracy",
    "HeldOut",
    "KerasTarget",
    "Latency",
    "ModelFileTarget",
    "Report",
    "Target",
    "TargetReport",
    "find_held_out",
    "measure_accuracy",
    "measure_latency",
]
