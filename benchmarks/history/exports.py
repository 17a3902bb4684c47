"""A report for services that keep histories: github-action-benchmark and Bencher."""

from typing import Any

from benchmarks.report import Report, TargetReport
from benchmarks.targets import Kind


def to_github_action_benchmark(report: Report) -> list[dict[str, Any]]:
    """The model files as input of github-action-benchmark's tool `customSmallerIsBetter`.

    Source: README of https://github.com/benchmark-action/github-action-benchmark. Errors stand for
    accuracies, since less has to be better.
    """
    entries: list[dict[str, Any]] = []
    for target in _deployed(report):
        latency, top1 = target.latency, target.accuracy.top1
        error = {"low": 100 * (1 - top1.high), "high": 100 * (1 - top1.low)}
        extra = f"{target.engine}, {report.machine.name}"
        if not report.machine.emulated:
            spread = f"{latency.p50:.4g} (p50) to {latency.p90:.4g} (p90)"
            entries.append(_entry(f"{target.name} latency", "ms", latency.p50, spread, extra))
        entries.append(
            _entry(
                f"{target.name} error",
                "%",
                100 * (1 - top1.value),
                f"{error['low']:.3g} to {error['high']:.3g}",
                extra,
            )
        )
        entries.append(_entry(f"{target.name} size", "bytes", target.cost.size_bytes, "0", extra))
        entries.append(_entry(f"{target.name} memory", "bytes", target.cost.resident_bytes, "0", extra))
    return entries


def to_bencher(report: Report) -> dict[str, dict[str, dict[str, float]]]:
    """The model files in the Bencher Metric Format.

    Source: https://bencher.dev/docs/reference/bencher-metric-format. `latency` is in nanoseconds and
    `throughput` in operations a second, as Bencher's own measures are; accuracies are fractions, sizes bytes.
    """
    metrics: dict[str, dict[str, dict[str, float]]] = {}
    for target in _deployed(report):
        latency, top1 = target.latency, target.accuracy.top1
        found = {
            "accuracy": {"value": top1.value, "lower_value": top1.low, "upper_value": top1.high},
            "file-size": {"value": float(target.cost.size_bytes)},
            "resident-memory": {"value": float(target.cost.resident_bytes)},
        }
        if not report.machine.emulated:
            found["latency"] = {
                "value": latency.p50 * 1e6,
                "lower_value": latency.min * 1e6,
                "upper_value": latency.p90 * 1e6,
            }
            found["throughput"] = {"value": target.throughput}
        metrics[target.name] = found
    return metrics


def _entry(name: str, unit: str, value: float, spread: str, extra: str) -> dict[str, Any]:
    return {"name": name, "unit": unit, "value": value, "range": spread, "extra": extra}


def _deployed(report: Report) -> list[TargetReport]:
    return [target for target in report.targets if target.kind is Kind.MODEL_FILE]
