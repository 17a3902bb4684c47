"""One report over machines: every model on every machine, from the reports of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from benchmarks.measurement import Interval, Machine
from benchmarks.report import Report, TargetReport
from benchmarks.targets import Kind
from edge_runtime.core import CLOSED, UsageError, clock, to_json

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class MergedRow:
    """A model on a machine. Times are in milliseconds, and None on an emulated processor.

    Attributes:
        model: name of the target.
        kind: what computes.
        machine: where.
        engine: what runs it, with its version.
        images: number of images.
        accuracy: top-1, with its interval.
        same_answers: fraction of the images with the answer of the same model on the first machine that has
            it; None where the images are others.
        p50: median latency.
        p90: 90th percentile.
        p99: 99th percentile.
        cold_start: from the start of a process to its first answer.
        resident_bytes: memory.
        size_bytes: of the file.
        joules_per_1000: energy of 1,000 images; None where it cannot be measured.
        energy_meter: what measured it.
        sustained_ratio: latency at the end of a sustained run / at its start; None where not measured.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    model: str
    kind: Kind
    machine: Machine
    engine: str
    images: int
    accuracy: Interval
    same_answers: float | None
    p50: float | None
    p90: float | None
    p99: float | None
    cold_start: float | None
    resident_bytes: int
    size_bytes: int
    joules_per_1000: float | None
    energy_meter: str
    sustained_ratio: Interval | None


@dataclass(frozen=True, kw_only=True)
class Merged:
    """Reports of several machines.

    Attributes:
        schema: version of this layout.
        created: ISO 8601 in UTC.
        run: names of the runs.
        labels: the classes.
        warnings: what does not fit together.
        rows: by model, then in the order of the reports.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    schema: int
    created: str
    run: str
    labels: tuple[str, ...]
    warnings: tuple[str, ...]
    rows: tuple[MergedRow, ...]

    def to_json(self) -> str:
        """The merged report as JSON."""
        return to_json(self, indent=1) + "\n"


def merge_reports(reports: Sequence[Report]) -> Merged:
    """Merge reports.

    Args:
        reports: at least one; what a report carries from another machine is a row of that machine, once.

    Raises:
        UsageError: no reports, or reports of different classes.
    """
    if not reports:
        raise UsageError("name one or more reports: edge-bench merge pi/report.json x86/report.json")
    if any(report.labels != reports[0].labels for report in reports):
        raise UsageError("the reports have different classes")
    first: dict[str, tuple[Report, TargetReport]] = {}
    rows: dict[str, list[MergedRow]] = {}
    for report in reports:
        for target in report.targets:
            origin = first.setdefault(target.name, (report, target))
            row = _row(report, target, *origin)
            known = rows.setdefault(target.name, [])
            # The Keras model's row travels with the bundle into the report of every board.
            if target.machine is None or all(_measured(row) != _measured(each) for each in known):
                known.append(row)
    return Merged(
        schema=SCHEMA,
        created=clock.timestamp(),
        run=", ".join(dict.fromkeys(report.run for report in reports)),
        labels=tuple(reports[0].labels),
        warnings=tuple(_warnings(reports)),
        rows=tuple(row for each in rows.values() for row in each),
    )


def _row(report: Report, target: TargetReport, origin: Report, same: TargetReport) -> MergedRow:
    machine = report.machine_of(target)
    timed = not machine.emulated
    equal = None
    if report.fingerprint == origin.fingerprint:
        equal = float(np.equal(target.accuracy.predicted, same.accuracy.predicted).mean())
    return MergedRow(
        model=target.name,
        kind=target.kind,
        machine=machine,
        engine=target.engine,
        images=report.images,
        accuracy=target.accuracy.top1,
        same_answers=equal,
        p50=target.latency.p50 if timed else None,
        p90=target.latency.p90 if timed else None,
        p99=target.latency.p99 if timed else None,
        cold_start=target.cold_start if timed else None,
        resident_bytes=target.cost.resident_bytes,
        size_bytes=target.cost.size_bytes,
        joules_per_1000=target.cost.joules_per_1000 if timed else None,
        energy_meter=report.energy_meter if target.machine is None else "",
        sustained_ratio=target.sustained.ratio if target.sustained and timed else None,
    )


def _measured(row: MergedRow) -> tuple[object, ...]:
    """What two rows of the same measurement have in common."""
    return row.machine, row.engine, row.p50, row.p99, row.accuracy


def _warnings(reports: Sequence[Report]) -> list[str]:
    lines = []
    if len({report.fingerprint for report in reports}) > 1:
        lines.append("the reports are of different images: accuracies and answers are not comparable")
    for report in reports:
        lines += [f"{report.machine.name}: {warning}" for warning in report.warnings]
    return list(dict.fromkeys(lines))
