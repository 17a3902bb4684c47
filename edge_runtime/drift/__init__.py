"""Drift: whether the frames have left what the model was tested on, and how."""

from edge_runtime.drift.events import Change
from edge_runtime.drift.monitor import DriftMonitor, DriftStatus
from edge_runtime.drift.sequential_test import RARELY, TailTest, upper_bound

__all__ = [
    "RARELY",
    "Change",
    "DriftMonitor",
    "DriftStatus",
    "TailTest",
    "upper_bound",
]
