"""The types of a report: frozen values that are written as JSON."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from benchmarks.corruption import Corruption
from benchmarks.measurement import Interval, Machine, MachineState, Summary, Sustained
from benchmarks.targets import Kind, OperatorTime
from edge_runtime.core import CLOSED, to_json

SCHEMA = 7
QUANTILES = 101


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
class Corrupted:
    """The accuracy on images that were corrupted in one way.

    Attributes:
        kind: what was done to them.
        strength: 1 to 5.
        accuracy: with its 95 % interval.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    kind: Corruption
    strength: int
    accuracy: Interval


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
        quantiles: of the latency, `QUANTILES` of them at equal distances from the minimum to the maximum.
        ratio_to_first: time as a multiple of the first target's, round by round; None where the first was
            measured on another machine.
        rounds: the fastest image of each round, for comparisons with other reports; empty where it was
            measured on another machine.
        cost: memory, processor time, energy, size.
        operators: the time inside the model; empty where the engine does not report it.
        accuracy: its accuracy on images of the classes, among the classes.
        unknowns: how it rejects images of no class; None where it cannot, and none were given.
        corruptions: its accuracy on corrupted images; empty where that was not measured.
        sustained: latency over a longer time; None where that was not measured.
        machine: that it was measured on, if it is not the report's.
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
    quantiles: list[float]
    throughput: float
    ratio_to_first: Interval | None
    rounds: list[float]
    cost: Cost
    operators: list[OperatorTime]
    accuracy: Accuracy
    unknowns: Unknowns | None = None
    corruptions: list[Corrupted] = field(default_factory=list)
    sustained: Sustained | None = None
    machine: Machine | None = None
    raw: list[float] | None = None

    def corrupted_accuracy(self, kind: Corruption | None = None) -> float:
        """The mean accuracy over the strengths of one kind of corruption, or of all; NaN without any."""
        found = [each.accuracy.value for each in self.corruptions if kind in (None, each.kind)]
        return sum(found) / len(found) if found else math.nan


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
        corrupted: how many images were corrupted in every way; 0 for none.
        fingerprint: a hash over the images: reports with the same can be compared image by image.
        targets_of: the right class of each image.
        machine: what it ran on.
        before: its state before.
        after: and after.
        energy_meter: what measured the joules: `RAPL`, `PMIC` or `none`.
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
    corrupted: int
    fingerprint: str
    targets_of: list[int]
    machine: Machine
    before: MachineState
    after: MachineState
    energy_meter: str
    versions: dict[str, str]
    warnings: list[str]
    yardstick: list[float]
    targets: list[TargetReport]

    def to_json(self) -> str:
        """The report as JSON."""
        return to_json(self, indent=1) + "\n"

    def machine_of(self, target: TargetReport) -> Machine:
        """The machine that a target was measured on."""
        return target.machine or self.machine

    def has_corruptions(self) -> bool:
        """Whether accuracies on corrupted images were measured."""
        return any(target.corruptions for target in self.targets)

    def target(self, name: str) -> TargetReport | None:
        """The target of that name, if there is one."""
        return next((target for target in self.targets if target.name == name), None)
