"""A report as Markdown, for a job summary or a pull request, and as a table for a terminal."""

from collections.abc import Sequence

from benchmarks.report import Report, TargetReport
from edge_runtime.core.statistics import SURE

SLOWEST = 3
_COLUMNS = ("model", "accuracy", "agreement", "p50", "p90", "p99", "time", "cold start", "memory", "size")


def report_markdown(report: Report) -> str:
    """The whole report in one table and a few lines."""
    first, pictures = report.targets[0].name, report.targets[0].latency.runs
    machine = report.machine
    lines = [
        "## Benchmark",
        "",
        f"{report.run} on {report.pictures} {report.split} pictures.",
        "",
        table(_COLUMNS, [_row(target) for target in report.targets]),
        "",
        f"Accuracy with its 95 % interval; agreement: same best label as {first}. Latency from the decoded "
        f"picture to the answer, ms, {pictures} pictures in turns; time: ratio to {first}, round by round, "
        "with its 95 % interval. Memory: resident after the last picture.",
        "",
        *(f"- {_verdict(target, first)}" for target in report.targets[1:]),
        *(f"- {_operators(target)}" for target in report.targets if target.operators),
        *(f"- ⚠ {warning}" for warning in report.warnings),
        "",
        f"{machine.processor}, {machine.cores} cores, {machine.memory_gib} GiB, {machine.system}, Python "
        f"{machine.python}; "
        + "; ".join(dict.fromkeys(target.engine for target in report.targets))
        + f"; {report.created}",
        "",
    ]
    return "\n".join(lines)


def report_text(report: Report) -> str:
    """The table for a terminal."""
    rows = [list(_COLUMNS), *(_row(target) for target in report.targets)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [
        columns,
        ["---", *["---:"] * (len(columns) - 1)],
        *([_cell(cell) for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(target: TargetReport) -> list[str]:
    accuracy, latency, ratio = target.accuracy, target.latency, target.ratio_to_first
    return [
        target.name,
        f"{accuracy.top1.value:.4f} ({accuracy.top1.low:.3f}–{accuracy.top1.high:.3f})",
        f"{accuracy.agreement:.4f}",
        f"{latency.p50:.3g}",
        f"{latency.p90:.3g}",
        f"{latency.p99:.3g}",
        f"{ratio.value:.3g}× ({ratio.low:.3g}–{ratio.high:.3g})",
        f"{target.cold_start / 1000:.2f} s",
        f"{target.cost.resident_bytes / 1024**2:.0f} MiB",
        f"{target.cost.size_bytes / 1024**2:.2f} MiB",
    ]


def _verdict(target: TargetReport, first: str) -> str:
    real = target.accuracy.p_value < SURE
    return (
        f"{_cell(target.name)}: the difference in accuracy to {first} is "
        f"{'real' if real else 'no more than chance'} (McNemar's test, p = {target.accuracy.p_value:.3g})"
    )


def _operators(target: TargetReport) -> str:
    whole = sum(each.milliseconds for each in target.operators)
    slowest = ", ".join(
        f"{each.kind} ({each.count}× {each.kernel}) {each.milliseconds / whole:.0%}"
        for each in target.operators[:SLOWEST]
    )
    return f"{_cell(target.name)}: inside the model {slowest}"


def _cell(text: str) -> str:
    return text.replace("|", "¦").replace("\n", " ")
