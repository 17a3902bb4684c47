"""The report of a benchmark: one value from the measurements, written as JSON and read back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.measurement import (
    Interval,
    Machine,
    MachineState,
    Measured,
    Measurements,
    Summary,
    compare_answers,
    confusion_matrix,
    fraction,
    ratio_of_rounds,
    summarize,
)
from benchmarks.targets import Kind, OperatorTime
from edge_runtime.core import (
    CLOSED,
    ModelError,
    from_parsed,
    measure_separation,
    parse_json,
    read_file,
    to_json,
    top_k_accuracy,
)
from edge_runtime.inference import is_kept, lead_of_unknown

SCHEMA = 5
MAX_BYTES = 256 * 1024**2


@dataclass(frozen=True)
class Accuracy:
    """Accuracy of a target, and its agreement with the first target; fractions in [0, 1].

    Attributes:
        top1: fraction of the images whose best label is right.
        top5: fraction of those whose right label is among the best five.
        agreement: fraction of the images with the first target's best label.
        max_score_difference: the largest difference of any score from the first target's.
        mean_score_difference: mean over all images and classes.
        p_value: of McNemar's test against the first target: the probability of such a difference by chance.
        recall: of each class; None for a class without images.
        confusion: images by true (row) and predicted class (column).
        predicted: the best class of each image.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

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
class Unknowns:
    """How a target tells images of the classes and images of no class apart; fractions in [0, 1].

    Attributes:
        by: `unknown`, the lead of the output for images of no class, or `score`, the largest score of a model
            without such an output.
        kept: fraction of the images of the classes whose answer is a class; None without such an output.
        accepted: fraction of the images of no class whose answer is a class; None without that output, or
            without such images.
        auroc: the probability that an image of no class is recognized among two; None without such images.
        accepted_at_95: fraction of them that is accepted where 95 % of the others are kept; likewise.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    by: Literal["unknown", "score"]
    kept: Interval | None
    accepted: Interval | None
    auroc: float | None
    accepted_at_95: float | None


@dataclass(frozen=True)
class Cost:
    """What a target uses, in bytes, seconds and joules; joules are None without an energy counter."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    size_bytes: int
    resident_bytes: int
    peak_bytes: int
    cpu_seconds_per_1000: float
    joules_per_1000: float | None


@dataclass(frozen=True)
class TargetReport:
    """The measurements of one target; latencies in milliseconds.

    Attributes:
        name: `keras`, `keras-predict`, or the model file's.
        kind: what computes.
        engine: what runs it, with its version.
        num_threads: None where it chooses itself.
        cold_start: median from the start of a process to its first answer.
        load: median time to load it.
        first: median time of the first image.
        latency: from a decoded image to its answer.
        stages: medians of decode, resize, invoke and postprocess.
        throughput: images a second, one after the other, without decoding.
        ratio_to_first: time as a multiple of the first target's, round by round.
        rounds: the fastest image of each round, for comparisons with other reports.
        cost: memory, processor time, energy, size.
        operators: the time inside the model; empty where the engine does not report it.
        accuracy: its accuracy on images of the classes, among the classes.
        unknowns: how it rejects images of no class; None where it cannot, and none were given.
        raw: every single latency, if requested.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    name: str
    kind: Kind
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
    unknowns: Unknowns | None = None
    raw: list[float] | None = None


@dataclass(frozen=True)
class Report:
    """One benchmark run.

    Attributes:
        schema: version of this layout.
        created: ISO 8601 in UTC.
        run: the run's folder name.
        labels: the classes.
        split: the split that the images are from.
        images: how many there are.
        unknowns: how many images of no class.
        fingerprint: a hash over the images: reports with the same can be compared image by image.
        targets_of: the right class of each image.
        machine: what it ran on.
        before: its state before.
        after: and after.
        versions: of the libraries.
        warnings: reasons to doubt the measurements.
        yardstick: the fastest of each round of the fixed computation, in milliseconds.
        targets: the first is what the others are compared with.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    schema: int
    created: str
    run: str
    labels: list[str]
    split: str
    images: int
    unknowns: int
    fingerprint: str
    targets_of: list[int]
    machine: Machine
    before: MachineState
    after: MachineState
    versions: dict[str, str]
    warnings: list[str]
    yardstick: list[float]
    targets: list[TargetReport]

    def to_json(self) -> str:
        """The report as JSON."""
        return to_json(self, indent=1) + "\n"

    def target(self, name: str) -> TargetReport | None:
        """The target of that name, if there is one."""
        return next((target for target in self.targets if target.name == name), None)


def describe_targets(
    measurements: Measurements, targets: Sequence[int], classes: int, *, raw: bool
) -> list[TargetReport]:
    """The reports of all targets; the first is what the others are compared with.

    Args:
        measurements: of the targets.
        targets: the right class of each image.
        classes: how many there are; an output after them is for images of no class.
        raw: put every single latency into the report.
    """
    truth = np.array(targets)
    first = measurements.targets[0]
    return [_describe(each, first, truth, classes, raw=raw) for each in measurements.targets]


def read_report(path: Path) -> Report:
    """Read a `report.json`.

    Raises:
        ModelError: missing, damaged, or of another schema version.
    """
    content = parse_json(
        read_file(path, max_bytes=MAX_BYTES, error=ModelError), name=str(path), error=ModelError
    )
    found = content.get("schema") if isinstance(content, dict) else None
    if found != SCHEMA:
        raise ModelError(
            f"{path}: not a report of edge-bench with schema version {SCHEMA}, found {found!r:.40}: "
            "measure again"
        )
    report = from_parsed(content, Report, name=f"{path}: not a report of edge-bench", error=ModelError)
    problem = _find_mismatch(report)
    if problem:
        raise ModelError(f"{path}: not a report of edge-bench: {problem}")
    return report


def _find_mismatch(report: Report) -> str:
    """Which parts of a report do not belong together; empty for none."""
    if not report.targets:
        return "no targets"
    for target in report.targets:
        if not report.yardstick or len(target.rounds) != len(report.yardstick):
            return "target and yardstick have different numbers of rounds"
        if not report.targets_of or len(target.accuracy.predicted) != len(report.targets_of):
            return "different numbers of predictions and images"
        if target.cost.size_bytes <= 0 or min(*target.rounds, *report.yardstick, target.latency.p50) <= 0:
            return "a size or a time is not positive"
    return ""


def _describe(
    each: Measured, first: Measured, truth: NDArray[np.int64], classes: int, *, raw: bool
) -> TargetReport:
    assert each.loaded is not None  # noqa: S101 - it was measured
    totals = each.totals
    per_thousand = 1000 / len(totals)
    return TargetReport(
        name=each.spec.name,
        kind=each.spec.kind,
        engine=each.loaded.engine,
        num_threads=each.loaded.num_threads,
        cold_start=float(np.median(each.cold_start_ms)),
        load=float(np.median(each.load_ms)),
        first=float(np.median(each.first_ms)),
        latency=summarize(totals),
        stages={
            name: float(np.median([getattr(image, name) for image in each.images]))
            for name in ("decode", "resize", "invoke", "postprocess")
        },
        throughput=float(1000 / totals.mean()),
        ratio_to_first=ratio_of_rounds(np.array(each.rounds), np.array(first.rounds)),
        rounds=each.rounds,
        cost=Cost(
            size_bytes=each.loaded.size_bytes,
            resident_bytes=each.resident,
            peak_bytes=each.peak,
            cpu_seconds_per_1000=each.cpu_seconds * per_thousand,
            joules_per_1000=None if each.joules is None else each.joules * per_thousand,
        ),
        operators=each.operators,
        accuracy=_accuracy(each.scores[:, :classes], first.scores[:, :classes], truth),
        unknowns=_unknowns(each, classes),
        raw=totals.tolist() if raw else None,
    )


def _unknowns(each: Measured, classes: int) -> Unknowns | None:
    rejects = each.scores.shape[1] > classes
    asked = len(each.unknown_scores)
    if not rejects and not asked:
        return None
    kept = is_kept(each.scores) if rejects else None
    accepted = is_kept(each.unknown_scores) if rejects and asked else None
    separation = None
    if asked:
        known, unknown = (_margins(scores, rejects=rejects) for scores in (each.scores, each.unknown_scores))
        separation = measure_separation(known, unknown)
    return Unknowns(
        by="unknown" if rejects else "score",
        kept=None if kept is None else fraction(int(kept.sum()), len(kept)),
        accepted=None if accepted is None else fraction(int(accepted.sum()), len(accepted)),
        auroc=separation.auroc if separation else None,
        accepted_at_95=separation.accepted_at_95 if separation else None,
    )


def _margins(scores: NDArray[np.float32], *, rejects: bool) -> NDArray[np.float32]:
    """Larger for images of the classes, shape (images,)."""
    return np.asarray(-lead_of_unknown(scores) if rejects else scores.max(axis=1), np.float32)


def _accuracy(scores: NDArray[np.float32], first: NDArray[np.float32], truth: NDArray[np.int64]) -> Accuracy:
    found, reference = scores.argmax(axis=1), first.argmax(axis=1)
    confusion = confusion_matrix(truth, found, scores.shape[1])
    counts = confusion.sum(axis=1)
    difference = np.abs(scores - first)
    return Accuracy(
        top1=fraction(int((found == truth).sum()), len(truth)),
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
