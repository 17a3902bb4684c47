"""Render a history: the trend of each target with the changes that were found, as Markdown and as a page."""

from collections.abc import Sequence

from benchmarks.history import History, Mark, Measure, Series
from benchmarks.rendering.html import encode, render
from benchmarks.rendering.plots import new_figure, to_png
from edge_runtime.core import markdown_table

_COLUMNS = ("target", "measure", "reports", "first", "last", "changes")
_UNITS = {Measure.TIME: "ms", Measure.ACCURACY: "", Measure.SIZE: "bytes"}


def history_markdown(history: History) -> str:
    """The trend of every target as a table."""
    rows = [history_cells(history, series) for series in history.series]
    return (
        f"## History of {len(history.created)} reports\n\n{markdown_table(_COLUMNS, rows)}\n\n{EXPLANATION}\n"
    )


EXPLANATION = (
    "Changes are found by a permutation test over all reports, not by a limit on one; the interval is of the "
    "change, and the reports in brackets are those that may be the first after it (95 %). Times are compared "
    "in units of the yardstick that each report measures."
)


def history_cells(history: History, series: Series) -> list[str]:
    """The cells of a row."""
    unit = _UNITS[series.measure]
    marks = "; ".join(describe_mark(history, series.measure, mark) for mark in series.marks) or "none"
    return [
        series.target,
        str(series.measure),
        str(len(series.reports)),
        *(f"{value:.4g} {unit}".strip() for value in (series.shown[0], series.shown[-1])),
        marks,
    ]


def describe_mark(history: History, measure: Measure, mark: Mark) -> str:
    """A change in one line."""
    if measure is Measure.ACCURACY:
        change = f"{mark.change:+.4f} ({mark.low:+.4f} to {mark.high:+.4f})"
    else:
        change = f"×{mark.change:.3f} ({mark.low:.3f}–{mark.high:.3f})"
    word = "worse" if mark.worse else "better"
    when = history.created[mark.at][:16].replace("T", " ")
    return f"{word} {change} since report {mark.at + 1} of {when} [{mark.earliest + 1}–{mark.latest + 1}]"


def history_html(history: History) -> str:
    """The history as one page."""
    groups: dict[tuple[str, str], list[Series]] = {}
    for series in history.series:
        groups.setdefault((series.target, series.machine), []).append(series)
    return render(
        "history.html.j2",
        history=history,
        explanation=EXPLANATION,
        groups=[
            {
                "target": target,
                "machine": machine,
                "picture": encode(draw_trend(series)),
                "rows": [
                    (each.measure, describe_mark(history, each.measure, mark))
                    for each in series
                    for mark in each.marks
                ],
            }
            for (target, machine), series in groups.items()
        ],
    )


def draw_trend(series: Sequence[Series]) -> bytes:
    """All measures of a target, one above the other, with the changes and where they may have happened."""
    figure = new_figure((8, 1.8 * len(series) + 0.6))
    axes = figure.subplots(len(series), 1, sharex=True, squeeze=False)[:, 0]
    for axis, each in zip(axes, series, strict=True):
        at = [number + 1 for number in each.reports]
        axis.plot(at, each.shown, "o-", markersize=3, linewidth=0.8)
        for mark in each.marks:
            color = "tab:red" if mark.worse else "tab:green"
            axis.axvspan(mark.earliest + 0.5, mark.latest + 1.5, color=color, alpha=0.15)
            axis.axvline(mark.at + 0.5, color=color, linewidth=1.2)
        unit = _UNITS[each.measure]
        axis.set(ylabel=f"{each.measure}, {unit}" if unit else str(each.measure))
        axis.margins(y=0.25)
        axis.grid(alpha=0.3)
        axis.ticklabel_format(axis="y", useOffset=False, style="plain")
    axes[-1].set(xlabel="report")
    axes[-1].xaxis.get_major_locator().set_params(integer=True)
    return to_png(figure)
