"""benchmarks: model files beside the Keras model they came from, as a report and as a gate."""

from benchmarks.benchmark import TargetOptions, benchmark
from benchmarks.gates import Check, Limits, check_rule, checks_junit, compare_reports
from benchmarks.measurement import EvaluationSet, TimingPlan, find_evaluation_set
from benchmarks.rendering import report_html, report_markdown, report_text
from benchmarks.report import Accuracy, Cost, Report, TargetReport, read_report

__all__ = [
    "Accuracy",
    "Check",
    "Cost",
    "EvaluationSet",
    "Limits",
    "Report",
    "TargetOptions",
    "TargetReport",
    "TimingPlan",
    "benchmark",
    "check_rule",
    "checks_junit",
    "compare_reports",
    "find_evaluation_set",
    "read_report",
    "report_html",
    "report_markdown",
    "report_text",
]
