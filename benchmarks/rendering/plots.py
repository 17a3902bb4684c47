"""Plots of a report: accuracy against latency, distribution of latencies, confusion matrices."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.report import Report
from trainer.report import draw_confusion

_DPI = 110


def draw_trade_off(report: Report) -> bytes:
    """Accuracy with its interval against the median latency, a point for each target."""
    figure = _figure((7, 4.2))
    axis = figure.subplots()
    for target in report.targets:
        top1, latency = target.accuracy.top1, target.latency
        axis.errorbar(
            latency.p50,
            top1.value,
            yerr=[[top1.value - top1.low], [top1.high - top1.value]],
            xerr=[[latency.p50 - latency.min], [latency.p90 - latency.p50]],
            fmt="o",
            capsize=3,
            label=target.name,
        )
    _log_milliseconds(axis)
    axis.set(xlabel="latency, ms (minimum, median, p90)", ylabel="accuracy with 95 % interval")
    axis.grid(alpha=0.3, which="both")
    axis.legend()
    return _png(figure)


def draw_latencies(names: Sequence[str], samples: Sequence[Sequence[float]]) -> bytes:
    """The fraction of images answered within a time."""
    figure = _figure((7, 4.2))
    axis = figure.subplots()
    for name, values in zip(names, samples, strict=True):
        ordered = np.sort(values)
        axis.step(ordered, np.arange(1, len(ordered) + 1) / len(ordered), where="post", label=name)
    _log_milliseconds(axis)
    axis.set(xlabel="latency, ms", ylabel="fraction of images answered", ylim=(0, 1.01))
    axis.grid(alpha=0.3, which="both")
    axis.legend()
    return _png(figure)


def draw_confusions(report: Report) -> dict[str, bytes]:
    """A confusion matrix for each target."""
    return {
        target.name: draw_confusion(
            np.array(target.accuracy.confusion), report.labels, f"{target.name}: {report.images} images"
        )
        for target in report.targets
    }


def _log_milliseconds(axis: Any) -> None:
    from matplotlib.ticker import LogFormatter

    axis.set_xscale("log")
    # 3 and 20, not 3×10⁰ and 2×10¹; fewer of them where they would overlap.
    for formatter in (axis.xaxis.set_major_formatter, axis.xaxis.set_minor_formatter):
        formatter(LogFormatter(minor_thresholds=(2, 0.5)))


def _figure(size: tuple[float, float]) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=size, dpi=_DPI, layout="constrained")


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
