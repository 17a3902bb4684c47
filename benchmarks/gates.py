"""Check a report against rules, alone or compared with a baseline."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from benchmarks.measurement import (
    Interval,
    Samples,
    change_of_time,
    compare_answers,
    difference_of_fractions,
    warnings,
)
from benchmarks.report import Report, TargetReport, Unknowns
from benchmarks.targets import Kind
from edge_runtime.core import SIGNIFICANCE_LEVEL, UsageError


@dataclass(frozen=True)
class Check:
    """One rule and its result.

    Attributes:
        rule: the rule.
        target: the target.
        before: the baseline's value; empty in a report alone.
        now: the value.
        change: the difference, with its interval.
        passed: whether the rule is met.
        note: why an exceeded limit passes, or why it may be exceeded by chance.
    """

    rule: str
    target: str
    before: str
    now: str
    change: str
    passed: bool
    note: str = ""


@dataclass(frozen=True)
class Limits:
    """Largest allowed changes: ratios of time and size, a fraction of the images."""

    max_slowdown: float = 1.10
    max_accuracy_drop: float = 0.01
    max_size_growth: float = 1.05


def compare_reports(baseline: Report, current: Report, limits: Limits, *, force: bool = False) -> list[Check]:
    """Compare a report with a baseline; a rule is broken only by a change that is more than chance.

    Times are compared as ratios to the yardstick, which both reports measured in turns with their targets, so
    that changes of the machine's speed cancel out.

    Raises:
        UsageError: the machines are different and `force` is not given, or no target is in both.
    """
    unlike = baseline.machine.differences(current.machine)
    if unlike and not force:
        raise UsageError(
            f"the reports are from different machines ({'; '.join(unlike)}): measure on one, or give --force"
        )
    if baseline.labels != current.labels:
        raise UsageError("the reports have different classes")
    pairs = [(before, now) for now in current.targets if (before := baseline.target(now.name))]
    if not pairs:
        raise UsageError(
            f"no target is in both reports: {_names(baseline.targets)} / {_names(current.targets)}"
        )
    checks: list[Check] = []
    for before, now in pairs:
        # What was measured on another machine has no time of this one.
        if before.rounds and now.rounds:
            checks.append(_check_time(baseline, current, before, now, limits.max_slowdown))
        checks.append(_check_accuracy(baseline, current, before, now, limits.max_accuracy_drop))
        checks.append(_check_size(before, now, limits.max_size_growth))
    return checks


def _check_time(
    baseline: Report, current: Report, before: TargetReport, now: TargetReport, limit: float
) -> Check:
    change = change_of_time(_rounds(current, now), _rounds(baseline, before))
    over, real = change.value > limit, change.low > 1
    # Only model files are deployed; and Keras takes so long for an image, on all cores, that hardly one of
    # them is undisturbed on a busy machine.
    is_deployed = now.kind is Kind.MODEL_FILE
    noise = f"shown, not checked: its rounds spread by {_spread(now):.0%}"
    verdict = _verdict(over=over, real=real) if is_deployed else {"passed": True, "note": noise}
    if not verdict["passed"]:
        verdict["note"] = _doubts(baseline, current)
    return Check(
        rule=f"time at most ×{limit:g}",
        target=now.name,
        before=f"{before.latency.p50:.3f} ms",
        now=f"{now.latency.p50:.3f} ms",
        change=f"×{change.value:.3f} ({change.low:.3f}–{change.high:.3f})",
        **verdict,
    )


def check_ratio(target: str, ratio: Interval, before: float, now: float, limit: float) -> Check:
    """A rule about a ratio of times, now / before in milliseconds, measured in turns."""
    return Check(
        rule=f"time at most ×{limit:g}",
        target=target,
        before=f"{before:.3f} ms",
        now=f"{now:.3f} ms",
        change=f"×{ratio.value:.3f} ({ratio.low:.3f}–{ratio.high:.3f})",
        **_verdict(over=ratio.value > limit, real=ratio.low > 1),
    )


def _verdict(*, over: bool, real: bool) -> dict[str, Any]:
    """A limit is exceeded only by a change that is more than chance."""
    return {"passed": not (over and real), "note": "not more than chance" if over and not real else ""}


def _doubts(baseline: Report, current: Report) -> str:
    """What may have slowed one of two measurements: work beside all of it is in no interval."""
    lines = [
        f"{name}: {line}"
        for name, report in (("before", baseline), ("now", current))
        for line in warnings(report.before, report.after, report.machine.cores)
    ]
    return "; ".join([*lines, "measure again"]) if lines else ""


def _spread(target: TargetReport) -> float:
    """Half the distance of the quartiles of the rounds, as a fraction of their median."""
    low, middle, high = np.percentile(target.rounds, [25, 50, 75])
    return float((high - low) / 2 / middle)


def _rounds(report: Report, target: TargetReport) -> Samples:
    return np.column_stack([target.rounds, report.yardstick])


def _check_accuracy(
    baseline: Report, current: Report, before: TargetReport, now: TargetReport, limit: float
) -> Check:
    change, real = _accuracy_change(baseline, current, before, now)
    over = -change.value > limit
    return Check(
        rule=f"accuracy at most {limit:g} lower",
        target=now.name,
        before=f"{before.accuracy.top1.value:.4f}",
        now=f"{now.accuracy.top1.value:.4f}",
        change=f"{change.value:+.4f} ({change.low:+.4f}–{change.high:+.4f})",
        **_verdict(over=over, real=real),
    )


def _accuracy_change(
    baseline: Report, current: Report, before: TargetReport, now: TargetReport
) -> tuple[Interval, bool]:
    """The difference, and whether it is more than chance: image by image if the images are the same."""
    was, is_ = _right(baseline, before), _right(current, now)
    change = difference_of_fractions(is_.tolist(), was.tolist())
    if baseline.fingerprint != current.fingerprint:
        return change, change.high < 0
    return change, compare_answers(was, is_) < SIGNIFICANCE_LEVEL


def _right(report: Report, target: TargetReport) -> NDArray[np.bool_]:
    return np.equal(target.accuracy.predicted, report.targets_of)


def _check_size(before: TargetReport, now: TargetReport, limit: float) -> Check:
    growth = now.cost.size_bytes / before.cost.size_bytes
    return Check(
        rule=f"size at most ×{limit:g}",
        target=now.name,
        before=f"{before.cost.size_bytes} bytes",
        now=f"{now.cost.size_bytes} bytes",
        change=f"×{growth:.3f}",
        passed=growth <= limit,
    )


_RULES = {
    "max-p50-ratio": ("p50 at most ×{limit:g} of {other}", True),
    "max-accuracy-drop": ("accuracy at most {limit:g} below {other}", True),
    "min-agreement": ("agreement with {other} at least {limit:g}", True),
    "min-accuracy": ("accuracy at least {limit:g}", False),
    "max-p99": ("p99 at most {limit:g} ms", False),
    "min-auroc": ("AUROC of unknowns at least {limit:g}", False),
    "max-accepted": ("unknowns accepted at 95 % kept at most {limit:g}", False),
    "min-kept": ("images of the classes kept at least {limit:g}", False),
    "max-sustained-slowdown": ("last / first of a sustained run at most ×{limit:g}", False),
    "max-size": ("size at most {limit:g} bytes", False),
    "max-memory": ("memory at most {limit:g} MiB", False),
}


_OF_UNKNOWNS: Mapping[str, Callable[[Unknowns], float | None]] = MappingProxyType(
    {
        "min-auroc": lambda found: found.auroc,
        "max-accepted": lambda found: found.accepted_at_95,
        "min-kept": lambda found: found.kept.value if found.kept else None,
    }
)


def check_rule(report: Report, name: str, text: str) -> Check:
    """One absolute rule inside one report.

    Args:
        report: the report.
        name: `max-p50-ratio`, `max-accuracy-drop`, `min-agreement` (of two targets), `min-accuracy`,
            `max-p99`, `min-auroc`, `max-accepted`, `min-kept`, `max-sustained-slowdown`, `max-size` or
            `max-memory` (of one).
        text: `TARGET:OTHER=LIMIT`, or `TARGET=LIMIT`.

    Raises:
        UsageError: not such a text, or no such target.
    """
    template, of_two = _RULES[name]
    form = "TARGET:OTHER=LIMIT" if of_two else "TARGET=LIMIT"
    found = re.fullmatch(r"(?P<target>.+):(?P<other>.+)=(?P<limit>.+)" if of_two else r"(.+)=(.+)", text)
    try:
        parts = found.groups() if found else ()
        limit = float(parts[-1])
    except (ValueError, IndexError) as error:
        raise UsageError(f"--{name} takes {form}, got {text!r}") from error
    target = find_target(report, parts[0])
    other = find_target(report, parts[1]) if of_two else target
    value, shown, passed = _value(name, report, target, other, limit)
    return Check(
        template.format(limit=limit, other=other.name), target.name, "", shown, f"{value:.4g}", passed
    )


def find_target(report: Report, name: str) -> TargetReport:
    """The target of this name, or the only one whose name contains it.

    Raises:
        UsageError: none, or several.
    """
    exact = report.target(name)
    near = [target for target in report.targets if name in target.name]
    if exact is None and len(near) != 1:
        raise UsageError(
            f"{'several targets match' if near else 'no target is called'} {name!r}: "
            f"the report has {_names(report.targets)}"
        )
    return exact or near[0]


def _value(
    name: str, report: Report, target: TargetReport, other: TargetReport, limit: float
) -> tuple[float, str, bool]:
    """The value, its text, and whether it is within the limit."""
    if name == "max-p50-ratio":
        if report.machine_of(target) != report.machine_of(other):
            raise UsageError(f"--{name}: {target.name} and {other.name} were measured on different machines")
        ratio = target.latency.p50 / other.latency.p50
        return ratio, f"{target.latency.p50:.3f} / {other.latency.p50:.3f} ms", ratio <= limit
    if name == "max-accuracy-drop":
        drop = other.accuracy.top1.value - target.accuracy.top1.value
        return drop, f"{target.accuracy.top1.value:.4f} / {other.accuracy.top1.value:.4f}", drop <= limit
    if name == "min-agreement":
        same = np.array(target.accuracy.predicted) == np.array(other.accuracy.predicted)
        return float(same.mean()), f"{int(same.sum())} of {report.images}", float(same.mean()) >= limit
    if name == "min-accuracy":
        accuracy = target.accuracy.top1.value
        return accuracy, f"{accuracy:.4f}", accuracy >= limit
    if name == "max-p99":
        return target.latency.p99, f"{target.latency.p99:.3f} ms", target.latency.p99 <= limit
    if name == "max-sustained-slowdown":
        return _value_of_sustained(target, limit)
    if name in _OF_UNKNOWNS:
        return _value_of_unknowns(name, target, limit)
    if name == "max-size":
        return target.cost.size_bytes, f"{target.cost.size_bytes} bytes", target.cost.size_bytes <= limit
    memory = target.cost.resident_bytes / 1024**2
    return memory, f"{memory:.1f} MiB", memory <= limit


def _value_of_sustained(target: TargetReport, limit: float) -> tuple[float, str, bool]:
    if target.sustained is None:
        raise UsageError(
            f"--max-sustained-slowdown needs a report of edge-bench run --sustained; {target.name} has none"
        )
    ratio = target.sustained.ratio
    shown = f"{target.sustained.last.p50:.3f} / {target.sustained.first.p50:.3f} ms"
    # As everywhere: a limit is exceeded only by a change that is more than chance.
    return ratio.value, shown, ratio.value <= limit or ratio.low <= 1


def _value_of_unknowns(name: str, target: TargetReport, limit: float) -> tuple[float, str, bool]:
    found = target.unknowns
    value = _OF_UNKNOWNS[name](found) if found else None
    if value is None:
        needed = "a model with a rejection" if name == "min-kept" else "a report of edge-bench run --unknowns"
        raise UsageError(f"--{name} needs {needed}; {target.name} has none")
    return value, f"{value:.4f}", value <= limit if name == "max-accepted" else value >= limit


def checks_junit(checks: Sequence[Check], suite: str) -> bytes:
    """The checks as JUnit XML, which CI systems show as tests."""
    failures = sum(not check.passed for check in checks)
    root = ElementTree.Element(
        "testsuite", name=suite, tests=str(len(checks)), failures=str(failures), errors="0", skipped="0"
    )
    for check in checks:
        case = ElementTree.SubElement(root, "testcase", classname=check.target, name=check.rule)
        if not check.passed:
            text = f"{check.before} → {check.now}: {check.change}" if check.before else f"{check.now}"
            text += f" ({check.note})" if check.note else ""
            ElementTree.SubElement(case, "failure", message=text)
    ElementTree.indent(root)
    content: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return content


def _names(targets: Sequence[TargetReport]) -> str:
    return ", ".join(target.name for target in targets)
