"""Render a merged report: model × machine, as Markdown and as a page with a picture."""

from collections.abc import Sequence

from benchmarks.merging import Merged, MergedRow
from benchmarks.rendering.html import encode, render
from benchmarks.rendering.plots import log_milliseconds, new_figure, to_png
from edge_runtime.core import markdown_table

MERGED_COLUMNS = (
    "model", "machine", "engine", "accuracy", "same answers", "p50 ms", "p90", "p99", "cold start", "memory",
    "J / 1000", "sustained",
)  # fmt: skip


def merged_markdown(merged: Merged) -> str:
    """The whole merged report as a table and a few lines."""
    lines = [
        "## Benchmark over machines",
        "",
        markdown_table(MERGED_COLUMNS, [merged_cells(row) for row in merged.rows]),
        "",
        explain(merged),
        "",
        *(f"- ⚠ {warning}" for warning in merged.warnings),
    ]
    return "\n".join(lines).rstrip() + "\n"


def merged_html(merged: Merged) -> str:
    """The merged report as one page."""
    timed = [row for row in merged.rows if row.p50 is not None]
    return render(
        "merged.html.j2",
        merged=merged,
        columns=MERGED_COLUMNS,
        rows=[merged_cells(row) for row in merged.rows],
        explanation=explain(merged),
        machines=encode(draw_machines(timed)) if timed else "",
    )


def explain(merged: Merged) -> str:
    """What the columns are."""
    return (
        f"{merged.run}. Accuracy with its 95 % interval; same answers: as the same model on the first "
        "machine that has it. Latency from the decoded image to the answer; sustained: latency at the end of "
        "a run without a pause / at its start. Times of emulated processors are not shown: they say nothing "
        "of a real one."
    )


def merged_cells(row: MergedRow) -> list[str]:
    """The cells of a row."""
    joules = "none" if row.joules_per_1000 is None else f"{row.joules_per_1000:.1f}"
    if row.joules_per_1000 is not None and row.energy_meter:
        joules += f" ({row.energy_meter})"
    ratio = row.sustained_ratio
    return [
        row.model,
        row.machine.name,
        row.engine,
        f"{row.accuracy.value:.4f} ({row.accuracy.low:.3f}–{row.accuracy.high:.3f})",
        "–" if row.same_answers is None else f"{row.same_answers:.4f}",
        *("–" if value is None else f"{value:.3g}" for value in (row.p50, row.p90, row.p99)),
        "–" if row.cold_start is None else f"{row.cold_start / 1000:.2f} s",
        f"{row.resident_bytes / 1024**2:.0f} MiB",
        joules,
        "–" if ratio is None else f"×{ratio.value:.3f} ({ratio.low:.3f}–{ratio.high:.3f})",
    ]


def draw_machines(rows: Sequence[MergedRow]) -> bytes:
    """Median, p90 and p99 of every model, a line for each machine."""
    machines = list(dict.fromkeys(row.machine.name for row in rows))
    models = list(dict.fromkeys(row.model for row in rows))
    figure = new_figure((8, 1.6 + 0.35 * len(machines) * max(1, len(models)) ** 0.7))
    axis = figure.subplots()
    for number, model in enumerate(models):
        chosen = [row for row in rows if row.model == model]
        # Models of one machine one above the other: their points do not cover each other.
        offset = (number - (len(models) - 1) / 2) * 0.7 / max(1, len(models))
        heights = [machines.index(row.machine.name) + offset for row in chosen]
        medians = [row.p50 or 0.0 for row in chosen]
        ninety = [row.p90 or 0.0 for row in chosen]
        ninety_nine = [row.p99 or 0.0 for row in chosen]
        (line,) = axis.plot(medians, heights, "o", label=model)
        axis.hlines(heights, medians, ninety, color=line.get_color(), linewidth=2.5)
        axis.hlines(heights, ninety, ninety_nine, color=line.get_color(), linewidth=0.8)
    axis.set_yticks(range(len(machines)), [_wrapped(machine) for machine in machines])
    axis.set_ylim(len(machines) - 0.5, -0.5)
    log_milliseconds(axis)
    axis.set(xlabel="latency, ms: median (point), to p90 (thick), to p99 (thin)")
    axis.grid(alpha=0.3, which="both", axis="x")
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.28), ncols=min(3, len(models)))
    return to_png(figure)


def _wrapped(text: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, 30))
