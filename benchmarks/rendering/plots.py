"""Plots of a report: accuracy against latency, distribution of latencies, latency over time, confusions."""

import io
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.corruption import STRENGTHS, Corruption
from benchmarks.measurement import Sustained
from benchmarks.report import Report, TargetReport

_DPI = 110
_FEW_DECADES, _MANY_DECADES = 0.8, 3.5


def draw_trade_off(targets: Sequence[TargetReport]) -> bytes:
    """Accuracy with its interval against the median latency, a point for each target."""
    figure = new_figure((7, 4.2))
    axis = figure.subplots()
    for target in targets:
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
    log_milliseconds(axis)
    axis.set(xlabel="latency, ms (minimum, median, p90)", ylabel="accuracy with 95 % interval")
    axis.grid(alpha=0.3, which="both")
    axis.legend()
    return to_png(figure)


def draw_latencies(targets: Sequence[TargetReport]) -> bytes:
    """The fraction of images answered within a time."""
    figure = new_figure((7, 4.2))
    axis = figure.subplots()
    for target in targets:
        axis.plot(target.quantiles, np.linspace(0, 1, len(target.quantiles)), label=target.name)
    log_milliseconds(axis)
    axis.set(xlabel="latency, ms", ylabel="fraction of images answered", ylim=(0, 1.01))
    axis.grid(alpha=0.3, which="both")
    axis.legend()
    return to_png(figure)


def draw_sustained(name: str, found: Sustained) -> bytes:
    """Latency over time, and below it temperature and clock where the machine reports them."""
    moments = found.moments
    at = [moment.at for moment in moments]
    rows = [
        (label, values)
        for label, values in (
            ("°C", [moment.temperature for moment in moments]),
            ("MHz", [moment.megahertz for moment in moments]),
        )
        if any(value is not None for value in values)
    ]
    figure = new_figure((7, 3.2 + 1.3 * len(rows)))
    axes = figure.subplots(
        1 + len(rows), 1, sharex=True, squeeze=False, height_ratios=[3.0, *[1.2] * len(rows)]
    )[:, 0]
    axes[0].plot(at, [moment.p50 for moment in moments], label="p50")
    axes[0].plot(at, [moment.p90 for moment in moments], label="p90", linewidth=0.8)
    for start in (0.0, found.seconds - found.window):
        axes[0].axvspan(start, start + found.window, alpha=0.12, color="tab:grey")
    for moment, following in pairwise([*at, found.seconds]):
        if moments[at.index(moment)].throttled:
            axes[0].axvspan(moment, following, ymax=0.04, color="tab:red")
    axes[0].set(ylabel="latency, ms", title=f"{name}: last / first ×{found.ratio.value:.3f}")
    axes[0].set_ylim(0, 1.25 * max(moment.p90 for moment in moments))
    axes[0].legend(loc="lower right")
    for axis, (label, values) in zip(axes[1:], rows, strict=True):
        axis.plot(at, [np.nan if value is None else value for value in values], color="tab:red")
        axis.set(ylabel=label)
    axes[-1].set(xlabel="seconds")
    for axis in axes:
        axis.grid(alpha=0.3)
    return to_png(figure)


def draw_corruptions(report: Report) -> bytes:
    """Accuracy against the strength of each kind of corruption, a line for each target."""
    measured = [target for target in report.targets if target.corruptions]
    figure = new_figure((11, 5.2))
    panels = figure.subplots(2, 4, sharex=True, sharey=True).flat
    for axis, kind in zip(panels, Corruption, strict=False):
        for target in measured:
            found = [each for each in target.corruptions if each.kind == kind]
            axis.plot(
                [each.strength for each in found],
                [each.accuracy.value for each in found],
                marker=".",
                label=target.name,
            )
        axis.set(title=kind.value, xticks=range(1, STRENGTHS + 1))
        axis.grid(alpha=0.3)
    lines, names = panels[0].get_legend_handles_labels()
    panels[-1].axis("off")
    panels[-1].legend(lines, names, loc="center")
    figure.supxlabel("strength")
    figure.supylabel("accuracy")
    return to_png(figure)


def draw_confusions(report: Report) -> dict[str, bytes]:
    """A confusion matrix for each target."""
    from trainer.report import draw_confusion

    return {
        target.name: draw_confusion(
            np.array(target.accuracy.confusion), report.labels, f"{target.name}: {report.images} images"
        )
        for target in report.targets
    }


def log_milliseconds(axis: Any) -> None:
    """A logarithmic axis of milliseconds with a few plain numbers that do not overlap; for after plotting."""
    from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter

    axis.set_xscale("log")
    low, high = axis.get_xlim()
    decades = math.log10(high / low)
    if decades < _FEW_DECADES:
        # Within a decade a logarithmic axis has room for ordinary steps.
        ticks = [float(tick) for tick in MaxNLocator(nbins=5, steps=[1, 2, 5, 10]).tick_values(low, high)]
    else:
        steps = (1, 2, 5) if decades < _MANY_DECADES else (1,)
        exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = [step * 10.0**exponent for exponent in exponents for step in steps]
    axis.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high and tick > 0]))
    axis.xaxis.set_major_formatter(lambda value, _position: f"{value:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())


def new_figure(size: tuple[float, float]) -> Any:
    """A figure of a size in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, dpi=_DPI, layout="constrained")


def to_png(figure: Any) -> bytes:
    """A figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
