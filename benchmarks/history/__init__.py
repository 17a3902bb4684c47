"""Many reports over time: series of each target, change points, and exports for other services."""

from benchmarks.history.change_points import ChangePoint, find_changes
from benchmarks.history.exports import to_bencher, to_github_action_benchmark
from benchmarks.history.series import History, Limits, Mark, Measure, Series, make_history

__all__ = [
    "ChangePoint",
    "History",
    "Limits",
    "Mark",
    "Measure",
    "Series",
    "find_changes",
    "make_history",
    "to_bencher",
    "to_github_action_benchmark",
]
