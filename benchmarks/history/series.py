"""From many reports to one series for each target and measure, with the changes in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from benchmarks.history.change_points import LEAST, find_changes
from benchmarks.measurement import undisturbed
from benchmarks.report import Report, TargetReport
from edge_runtime.core import CLOSED, UsageError, to_json

SCHEMA = 1


class Measure(StrEnum):
    """What a series shows.

    `time`: of an image, in units of the yardstick that the same report measured. `accuracy`: top-1. `size`:
    of the file, in bytes.
    """

    TIME = "time"
    ACCURACY = "accuracy"
    SIZE = "size"


@dataclass(frozen=True)
class Limits:
    """Smaller changes are not marked: a fraction of the time and the size, and of the images."""

    change: float = 0.02
    accuracy: float = 0.002


@dataclass(frozen=True)
class Mark:
    """A change that was found in a series.

    Attributes:
        at: number of the first report after it.
        earliest: number of the first report that may be the first after it, with 95 % confidence.
        latest: and of the last.
        change: ratio after / before of times and sizes, difference of accuracies.
        low: the lower end of its 95 % interval.
        high: and the upper.
        worse: whether it is slower, larger or less accurate.
        p_value: of the permutation test.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    at: int
    earliest: int
    latest: int
    change: float
    low: float
    high: float
    worse: bool
    p_value: float


@dataclass(frozen=True)
class Series:
    """One measure of one target on one machine.

    Attributes:
        target: its name.
        machine: in a few words.
        measure: what it is.
        reports: numbers of the reports that have it.
        values: one for each of them.
        shown: what people read: milliseconds, the accuracy, bytes.
        marks: the changes.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    target: str
    machine: str
    measure: Measure
    reports: tuple[int, ...]
    values: tuple[float, ...]
    shown: tuple[float, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class History:
    """Reports in the order of time.

    Attributes:
        schema: version of this layout.
        created: of each report, ISO 8601 in UTC.
        series: of every target, machine and measure.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    schema: int
    created: tuple[str, ...]
    series: tuple[Series, ...]

    def to_json(self) -> str:
        """The history as JSON."""
        return to_json(self, indent=1) + "\n"


def make_history(reports: Sequence[Report], limits: Limits = Limits()) -> History:
    """Make series of reports and find the changes in them.

    Args:
        reports: in any order.
        limits: smaller changes are not marked.

    Raises:
        UsageError: fewer reports than a change needs.
    """
    if len(reports) < 2 * LEAST:
        raise UsageError(f"{len(reports)} reports; a change needs {LEAST} before and {LEAST} after it")
    ordered = sorted(reports, key=lambda report: report.created)
    found: dict[tuple[str, str], list[tuple[int, Report, TargetReport]]] = {}
    for number, report in enumerate(ordered):
        for target in report.targets:
            # What was measured on another machine does not change with these reports.
            if target.machine is None:
                found.setdefault((target.name, report.machine.name), []).append((number, report, target))
    series = [
        _make_series(name, machine, measure, points, limits)
        for (name, machine), points in found.items()
        for measure in Measure
        if not (measure is Measure.TIME and points[0][1].machine.emulated)
    ]
    return History(SCHEMA, tuple(report.created for report in ordered), tuple(series))


def _time(report: Report, target: TargetReport) -> float:
    return float(undisturbed(np.column_stack([target.rounds, report.yardstick])))


_VALUE: Mapping[Measure, Callable[[Report, TargetReport], float]] = MappingProxyType(
    {
        Measure.TIME: _time,
        Measure.ACCURACY: lambda _report, target: target.accuracy.top1.value,
        Measure.SIZE: lambda _report, target: float(target.cost.size_bytes),
    }
)
_SHOWN: Mapping[Measure, Callable[[Report, TargetReport], float]] = MappingProxyType(
    {**_VALUE, Measure.TIME: lambda _report, target: target.latency.p50}
)


def _make_series(
    name: str,
    machine: str,
    measure: Measure,
    points: Sequence[tuple[int, Report, TargetReport]],
    limits: Limits,
) -> Series:
    values = tuple(_VALUE[measure](report, target) for _number, report, target in points)
    numbers = tuple(number for number, _report, _target in points)
    return Series(
        target=name,
        machine=machine,
        measure=measure,
        reports=numbers,
        values=values,
        shown=tuple(_SHOWN[measure](report, target) for _number, report, target in points),
        marks=_marks(measure, values, numbers, limits),
    )


def _marks(
    measure: Measure, values: Sequence[float], numbers: Sequence[int], limits: Limits
) -> tuple[Mark, ...]:
    is_accuracy = measure is Measure.ACCURACY
    # Times and sizes change by factors.
    found = find_changes(
        np.array(values) if is_accuracy else np.log(values),
        limits.accuracy if is_accuracy else float(np.log1p(limits.change)),
    )
    marks = []
    for each in found:
        change, low, high = each.difference, each.low, each.high
        if not is_accuracy:
            change, low, high = (float(np.exp(value)) for value in (change, low, high))
        marks.append(
            Mark(
                at=numbers[each.at],
                earliest=numbers[each.earliest],
                latest=numbers[each.latest],
                change=change,
                low=low,
                high=high,
                worse=each.difference < 0 if is_accuracy else each.difference > 0,
                p_value=each.p_value,
            )
        )
    return tuple(marks)
