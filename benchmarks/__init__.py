"""benchmarks: model files beside the Keras model they came from, as a report and as a gate."""

from benchmarks.benchmark import benchmark
from benchmarks.gates import Check, Limits, check_rule, checks_junit, compare_reports
from benchmarks.measurement.evaluation_set import HeldOut, find_held_out
from benchmarks.measurement.timing import Plan
from benchmarks.rendering.html import report_html
from benchmarks.rendering.markdown import report_markdown, report_text
from benchmarks.report import Accuracy, Cost, Report, TargetReport, read_report

__all__ = [
    "Accuracy",
    "Check",
    "Cost",
    "HeldOut",
    "Limits",
    "Plan",
    "Report",
    "TargetReport",
    "benchmark",
    "check_rule",
    "checks_junit",
    "compare_reports",
    "find_held_out",
    "read_report",
    "report_html",
    "report_markdown",
    "report_text",
]
