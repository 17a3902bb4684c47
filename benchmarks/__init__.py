"""benchmarks: model files beside the Keras model they came from, as a report and as a gate."""

from benchmarks.benchmark import TargetOptions, benchmark, benchmark_bundle
from benchmarks.bundle import Bundle, Manifest, open_bundle
from benchmarks.bundling import BundleOptions, make_bundle
from benchmarks.gates import Check, Limits, check_rule, checks_junit, compare_reports
from benchmarks.history import History, make_history
from benchmarks.measurement import EvaluationSet, TimingPlan, find_evaluation_set
from benchmarks.merging import Merged, merge_reports
from benchmarks.rendering import report_html, report_markdown, report_text
from benchmarks.report import Accuracy, Cost, Report, TargetReport, read_report

__all__ = [
    "Accuracy",
    "Bundle",
    "BundleOptions",
    "Check",
    "Cost",
    "EvaluationSet",
    "History",
    "Limits",
    "Manifest",
    "Merged",
    "Report",
    "TargetOptions",
    "TargetReport",
    "TimingPlan",
    "benchmark",
    "benchmark_bundle",
    "check_rule",
    "checks_junit",
    "compare_reports",
    "find_evaluation_set",
    "make_bundle",
    "make_history",
    "merge_reports",
    "open_bundle",
    "read_report",
    "report_html",
    "report_markdown",
    "report_text",
]
