"""The report of a benchmark: its types, what is made of measurements, and its reader."""

from benchmarks.report.describing import describe_targets
from benchmarks.report.reading import read_report
from benchmarks.report.types import (
    QUANTILES,
    SCHEMA,
    Accuracy,
    Corrupted,
    Cost,
    Report,
    TargetReport,
    Unknowns,
)

__all__ = [
    "QUANTILES",
    "SCHEMA",
    "Accuracy",
    "Corrupted",
    "Cost",
    "Report",
    "TargetReport",
    "Unknowns",
    "describe_targets",
    "read_report",
]
