"""Render a report as Markdown, and as a table for a terminal."""

from benchmarks.report import Report, TargetReport
from edge_runtime.core import SIGNIFICANCE_LEVEL, markdown_cell, markdown_table, text_table

SLOWEST = 3
_COLUMNS = ("model", "accuracy", "agreement", "p50", "p90", "p99", "time", "cold start", "memory", "size")


def report_markdown(report: Report) -> str:
    """The whole report in one table and a few lines."""
    first, images = report.targets[0].name, report.targets[0].latency.runs
    machine = report.machine
    lines = [
        "## Benchmark",
        "",
        f"{report.run} on {report.images} {report.split} images.",
        "",
        markdown_table(_COLUMNS, [_row(target) for target in report.targets]),
        "",
        f"Accuracy with its 95 % interval; agreement: same best label as {first}. Latency from the decoded "
        f"image to the answer, ms, {images} images in turns; time: ratio to {first}, round by round, "
        "with its 95 % interval. Memory: resident after the last image.",
        "",
        *(f"- {_verdict(target, first)}" for target in report.targets[1:]),
        *(f"- {line}" for target in report.targets if (line := describe_unknowns(report, target))),
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


def describe_unknowns(report: Report, target: TargetReport) -> str:
    """How a target rejects images of no class, in one line; empty where that was not measured."""
    found = target.unknowns
    if found is None:
        return ""
    parts = []
    if found.kept is not None:
        parts.append(
            f"keeps {found.kept.value:.4f} ({found.kept.low:.3f}–{found.kept.high:.3f}) of the images"
        )
    if found.accepted is not None:
        parts.append(f"accepts {found.accepted.value:.4f} of {report.unknowns} images of no class")
    if found.auroc is not None:
        how = "" if found.by == "unknown" else " by the largest score"
        parts.append(f"AUROC {found.auroc:.4f}{how}, {found.accepted_at_95:.4f} accepted where 95 % are kept")
    return f"{markdown_cell(target.name)}: {'; '.join(parts)}"


def report_text(report: Report) -> str:
    """The table for a terminal."""
    table = text_table([_COLUMNS, *(_row(target) for target in report.targets)], align_right=True)
    return "\n".join([table, *(line for each in report.targets if (line := describe_unknowns(report, each)))])


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
    real = target.accuracy.p_value < SIGNIFICANCE_LEVEL
    return (
        f"{markdown_cell(target.name)}: the difference in accuracy to {first} is "
        f"{'more than chance' if real else 'no more than chance'} "
        f"(McNemar's test, p = {target.accuracy.p_value:.3g})"
    )


def _operators(target: TargetReport) -> str:
    whole = sum(each.milliseconds for each in target.operators)
    slowest = ", ".join(
        f"{each.kind} ({each.count}× {each.kernel}) {each.milliseconds / whole:.0%}"
        for each in target.operators[:SLOWEST]
    )
    return f"{markdown_cell(target.name)}: inside the model {slowest}"
