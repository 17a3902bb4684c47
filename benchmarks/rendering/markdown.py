"""Render a report as Markdown, and as a table for a terminal."""

from benchmarks.corruption import Corruption
from benchmarks.measurement import Sustained
from benchmarks.rendering.headline import make_headline
from benchmarks.report import Report, TargetReport
from edge_runtime.core import SIGNIFICANCE_LEVEL, markdown_cell, markdown_table, text_table

SLOWEST = 3
_COLUMNS = ("model", "accuracy", "agreement", "p50", "p90", "p99", "time", "cold start", "memory", "size")


def report_markdown(report: Report) -> str:
    """The whole report in one table and a few lines."""
    first, images = report.targets[0].name, report.targets[-1].latency.runs
    machine = report.machine
    lines = [
        "## Benchmark",
        "",
        make_headline(report).sentence,
        "",
        f"{report.run} on {report.images} {report.split} images.",
        "",
        markdown_table(_COLUMNS, [_row(report, target) for target in report.targets]),
        "",
        f"Accuracy with its 95 % interval; agreement: same best label as {first}. Latency from the decoded "
        f"image to the answer, ms, {images} images in turns; time: ratio to {first}, round by round, "
        "with its 95 % interval. Memory: resident after the last image."
        + "".join(f" {line}" for line in describe_elsewhere(report)),
        "",
        *(f"- {_verdict(target, first)}" for target in report.targets[1:]),
        *(f"- {line}" for target in report.targets if (line := describe_unknowns(report, target))),
        *(f"- {_corruptions(report, target)}" for target in report.targets if target.corruptions),
        *(f"- {_operators(target)}" for target in report.targets if target.operators),
        *(f"- {line}" for target in report.targets if (line := describe_sustained(report, target))),
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


def _corruptions(report: Report, target: TargetReport) -> str:
    kinds = ", ".join(f"{kind} {target.corrupted_accuracy(kind):.3f}" for kind in Corruption)
    return (
        f"{markdown_cell(target.name)}: accuracy {target.corrupted_accuracy():.4f} on {report.corrupted} "
        f"images corrupted in five strengths ({kinds})"
    )


def describe_elsewhere(report: Report) -> list[str]:
    """Which targets were measured on another machine, in one line a machine."""
    lines = []
    machines = dict.fromkeys(each.machine for each in report.targets if each.machine)
    for machine in machines:
        names = ", ".join(each.name for each in report.targets if each.machine == machine)
        lines.append(f"† {names}: measured on {machine.name}, {machine.system}.")
    return lines


def describe_sustained(report: Report, target: TargetReport) -> str:
    """How a target did over a longer time, in one line; empty where that was not measured."""
    found = target.sustained
    if found is None:
        return ""
    if report.machine_of(target).emulated:
        return f"{markdown_cell(target.name)}: {found.seconds:.0f} s without a pause on an emulated processor"
    ratio = found.ratio
    return (
        f"{markdown_cell(target.name)}: {found.seconds:.0f} s and {found.images} images without a pause, "
        f"the last {found.window:.0f} s ×{ratio.value:.3f} ({ratio.low:.3f}–{ratio.high:.3f}) the first; "
        f"throttled: {describe_throttling(found)}"
    )


def describe_throttling(found: Sustained) -> str:
    """How often the processor was slowed down, or by what."""
    reasons = sorted({reason for moment in found.moments for reason in moment.throttled or ()})
    if reasons:
        seconds = sum(bool(moment.throttled) for moment in found.moments)
        return f"{', '.join(reasons)}, in {seconds} of {len(found.moments)} readings"
    if found.throttle_count:
        return f"{found.throttle_count} times"
    known = found.throttle_count is not None or any(moment.throttled is not None for moment in found.moments)
    return "never" if known else "not reported by this machine"


def report_text(report: Report) -> str:
    """The table for a terminal."""
    table = text_table([_COLUMNS, *(_row(report, target) for target in report.targets)], align_right=True)
    lines = [make_headline(report).sentence, "", table, *describe_elsewhere(report)]
    for each in report.targets:
        lines += [
            line for line in (describe_unknowns(report, each), describe_sustained(report, each)) if line
        ]
    return "\n".join(lines)


def _row(report: Report, target: TargetReport) -> list[str]:
    accuracy, latency, ratio = target.accuracy, target.latency, target.ratio_to_first
    times = ["–"] * 5
    if not report.machine_of(target).emulated:
        times = [
            f"{latency.p50:.3g}",
            f"{latency.p90:.3g}",
            f"{latency.p99:.3g}",
            "–" if ratio is None else f"{ratio.value:.3g}× ({ratio.low:.3g}–{ratio.high:.3g})",
            f"{target.cold_start / 1000:.2f} s",
        ]
    return [
        f"{target.name} †" if target.machine else target.name,
        f"{accuracy.top1.value:.4f} ({accuracy.top1.low:.3f}–{accuracy.top1.high:.3f})",
        f"{accuracy.agreement:.4f}",
        *times,
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
