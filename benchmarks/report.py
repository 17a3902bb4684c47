"""A report: one value out of what was measured, written as JSON and read back."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from benchmarks.measurement.environment import Machine, State
from benchmarks.measurement.evaluation_set import HeldOut
from benchmarks.measurement.statistics import (
    Interval,
    Summary,
    compare_answers,
    ratio_of_rounds,
    share,
    summarize,
)
from benchmarks.measurement.timing import Measured
from benchmarks.targets.operator_times import OperatorTime
from benchmarks.targets.targets import Kind
from edge_runtime import ModelError
from edge_runtime.core.files import sha256
from trainer.evaluation.metrics import top_k_accuracy

SCHEMA = 3
MAX_BYTES = 256 * 1024**2


@dataclass(frozen=True)
class Accuracy:
    """How right a target is, and how much like the first target; shares in [0, 1].

    Attributes:
        top1: share of the pictures whose best label is right.
        top5: share of those whose right label is among the best five.
        agreement: share of the pictures with the first target's best label.
        max_score_difference: the largest difference of any score from the first target's.
        mean_score_difference: on average over all pictures and classes.
        p_value: of McNemar's test against the first target: how likely is such a difference by chance.
        recall: of each class; None for one that no picture shows.
        confusion: pictures by true (row) and predicted class (column).
        predicted: the best class of each picture.
    """

    top1: Interval
    top5: float
    agreement: float
    max_score_difference: float
    mean_score_difference: float
    p_value: float
    recall: list[float | None]
    confusion: list[list[int]]
    predicted: list[int]


@dataclass(frozen=True)
class Cost:
    """What a target uses; bytes, seconds and joules. `joules` is None where the machine has no meter."""

    size_bytes: int
    resident_bytes: int
    peak_bytes: int
    cpu_seconds_per_1000: float
    joules_per_1000: float | None


@dataclass(frozen=True)
class TargetReport:
    """What was measured of one target; latencies in milliseconds.

    Attributes:
        name: `keras`, `keras-predict`, or the model file's.
        kind: who computes, a value of `Kind`.
        engine: who runs it, with its version.
        num_threads: None where it chooses itself.
        cold_start: median from the start of a process to its first answer.
        load: median time to load it.
        first: median time of the first picture.
        latency: from a decoded picture to its answer.
        stages: medians of decode, resize, invoke and postprocess.
        throughput: pictures a second, one after the other, decoding not counted.
        ratio_to_first: how many times the first target's time, round by round.
        rounds: the fastest picture of each round, for comparisons with other reports.
        cost: memory, processor time, energy, size.
        operators: where the time goes inside the model; empty where the engine does not tell.
        accuracy: how right it is.
        raw: every single latency, where asked for.
    """

    name: str
    kind: str
    engine: str
    num_threads: int | None
    cold_start: float
    load: float
    first: float
    latency: Summary
    stages: dict[str, float]
    throughput: float
    ratio_to_first: Interval
    rounds: list[float]
    cost: Cost
    operators: list[OperatorTime]
    accuracy: Accuracy
    raw: list[float] | None = None


@dataclass(frozen=True)
class Report:
    """One benchmark run.

    Attributes:
        schema: version of this layout.
        created: ISO 8601 in UTC.
        run: the run's folder name.
        labels: the classes.
        split: what the pictures are.
        pictures: how many there are.
        fingerprint: a hash over the pictures: reports with the same can be paired picture by picture.
        targets_of: the right class of each picture.
        machine: what it ran on.
        before: its state before.
        after: and after.
        versions: of the libraries.
        warnings: reasons to doubt the figures.
        yardstick: the fixed arithmetic's fastest of each round, in milliseconds.
        targets: the first is what the others are compared with.
    """

    schema: int
    created: str
    run: str
    labels: list[str]
    split: str
    pictures: int
    fingerprint: str
    targets_of: list[int]
    machine: Machine
    before: State
    after: State
    versions: dict[str, str]
    warnings: list[str]
    yardstick: list[float]
    targets: list[TargetReport]

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n"

    def target(self, name: str) -> TargetReport | None:
        """The target of that name, if there is one."""
        return next((target for target in self.targets if target.name == name), None)


def describe_targets(measured: Sequence[Measured], pictures: HeldOut, *, raw: bool) -> list[TargetReport]:
    """The reports of all targets but the yardstick, which comes last."""
    models = measured[:-1]
    truth = np.array(pictures.targets)
    return [_describe(each, models[0], truth, raw=raw) for each in models]


def fingerprint(pictures: HeldOut) -> str:
    """A hash over the pictures and their right classes, in order."""
    lines = [f"{sample.hash} {sample.label}\n" for sample in pictures.samples]
    return sha256("".join(lines).encode("utf-8", "surrogateescape"))


def read_report(path: Path) -> Report:
    """Read a `report.json`.

    Raises:
        ModelError: missing, damaged, or of another schema version.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path}: larger than a report can be")
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path}: not a report of edge-bench ({error!s:.100})") from error
    found = content.get("schema") if isinstance(content, dict) else None
    if found != SCHEMA:
        raise ModelError(f"{path}: schema version {found!r}, this edge-bench reads {SCHEMA}: measure again")
    try:
        report: Report = _build(Report, content)
        _check_type(report, Report, "report")
        _check_lengths(report)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path}: not a report of edge-bench ({error!r:.100})") from error
    return report


def _check_type(value: Any, kind: Any, name: str) -> None:
    """Refuse a value that is not of its declared type.

    Raises:
        TypeError: with what was expected.
    """
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, kind):  # type: ignore[arg-type]
            raise TypeError(f"{name} must be an object")
        for field, declared in get_type_hints(kind).items():
            _check_type(getattr(value, field), declared, field)
        return
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        if value is not None:
            _check_type(value, inner[0], name)
    elif origin is list:
        _check_type(value, list, name)
        for each in value:
            _check_type(each, inner[0], name)
    elif origin is dict:
        _check_type(value, dict, name)
        for each in value.values():
            _check_type(each, inner[1], name)
    elif not isinstance(value, int | float if kind is float else kind) or (
        isinstance(value, bool) and kind is not bool
    ):
        raise TypeError(f"{name} must be {kind.__name__}, got {value!r:.40}")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _check_lengths(report: Report) -> None:
    """Refuse a report whose parts do not fit together.

    Raises:
        ValueError: with what is wrong.
    """
    for target in report.targets:
        Kind(target.kind)
        if not report.yardstick or len(target.rounds) != len(report.yardstick):
            raise ValueError("rounds of target and yardstick differ in number")
        if not report.targets_of or len(target.accuracy.predicted) != len(report.targets_of):
            raise ValueError("predictions and pictures differ in number")
        if target.cost.size_bytes <= 0 or min(*target.rounds, *report.yardstick, target.latency.p50) <= 0:
            raise ValueError("a size or a time is not positive")


def _describe(each: Measured, first: Measured, truth: NDArray[np.int64], *, raw: bool) -> TargetReport:
    table = np.array(each.rows)
    per_thousand = 1000 / len(table)
    return TargetReport(
        name=each.spec.name,
        kind=each.spec.kind.value,
        engine=each.loaded["engine"],
        num_threads=each.loaded["num_threads"],
        cold_start=float(np.median(each.cold_start_ms)),
        load=float(np.median(each.load_ms)),
        first=float(np.median(each.first_ms)),
        latency=summarize(table[:, -1]),
        stages={
            name: float(np.median(table[:, column]))
            for column, name in enumerate(("decode", "resize", "invoke", "postprocess"))
        },
        throughput=float(1000 / table[:, -1].mean()),
        ratio_to_first=ratio_of_rounds(np.array(each.rounds), np.array(first.rounds)),
        rounds=each.rounds,
        cost=Cost(
            size_bytes=each.loaded["size_bytes"],
            resident_bytes=each.resident,
            peak_bytes=each.peak,
            cpu_seconds_per_1000=each.cpu_seconds * per_thousand,
            joules_per_1000=None if each.joules is None else each.joules * per_thousand,
        ),
        operators=each.operators,
        accuracy=_judge(each.scores, first.scores, truth),
        raw=[float(value) for value in table[:, -1]] if raw else None,
    )


def _judge(scores: NDArray[np.float32], first: NDArray[np.float32], truth: NDArray[np.int64]) -> Accuracy:
    from sklearn.metrics import confusion_matrix

    found, reference = scores.argmax(axis=1), first.argmax(axis=1)
    confusion = confusion_matrix(truth, found, labels=range(scores.shape[1]))
    counts = confusion.sum(axis=1)
    difference = np.abs(scores - first)
    return Accuracy(
        top1=share(int((found == truth).sum()), len(truth)),
        top5=top_k_accuracy(scores, truth, 5),
        agreement=float((found == reference).mean()),
        max_score_difference=float(difference.max()),
        mean_score_difference=float(difference.mean()),
        p_value=compare_answers(reference == truth, found == truth),
        recall=[
            float(right / count) if count else None
            for right, count in zip(confusion.diagonal(), counts, strict=True)
        ],
        confusion=confusion.tolist(),
        predicted=found.tolist(),
    )


def _build(kind: Any, content: Any) -> Any:
    """A dataclass, with those inside it, out of plain JSON values."""
    nested = {
        "machine": Machine, "before": State, "after": State, "latency": Summary,
        "ratio_to_first": Interval, "cost": Cost, "accuracy": Accuracy,
        "top1": Interval,
    }  # fmt: skip
    values = dict(content)
    for name, value in values.items():
        if name in nested:
            values[name] = _build(nested[name], value)
        elif name == "targets":
            values[name] = [_build(TargetReport, each) for each in value]
        elif name == "operators":
            values[name] = [OperatorTime(**each) for each in value]
    return kind(**values)
