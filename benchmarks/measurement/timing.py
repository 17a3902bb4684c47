"""Measure several targets side by side: each in a process of its own, in turns."""

import contextlib
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.corruption import CorruptedImages, Corruption
from benchmarks.measurement.energy import EnergyMeter, NoMeter, open_meter, spent
from benchmarks.measurement.evaluation_set import ImageSet
from benchmarks.measurement.messages import (
    AskMemory,
    AskOperators,
    Burst,
    Done,
    Loaded,
    Memory,
    Operators,
    Prepare,
    ScoreImages,
    Timed,
    TimedImage,
)
from benchmarks.measurement.processes import TargetProcess
from benchmarks.measurement.sustained import Sustained, measure_sustained
from benchmarks.targets import Kind, OperatorTime, TargetSpec
from edge_runtime.core import Reporter, Tick, clock, no_tick
from edge_runtime.images import encode_png

IMAGES = 64
BURST = 10
WARM_UP_BURSTS = 2
IMAGES_PER_REQUEST = 64
"""Images that a target classifies between two reports of the progress."""

YARDSTICK = TargetSpec("yardstick", Kind.YARDSTICK)


@dataclass(frozen=True)
class TimingPlan:
    """How long to measure.

    Attributes:
        num_runs: timed images of each target, at least.
        min_seconds: of timing of all targets together, at least.
        processes: how many times each target is started; the images are divided among them.
        sustained: seconds that each model file then works without a pause; 0 for not at all.
    """

    num_runs: int = 300
    min_seconds: float = 5.0
    processes: int = 3
    sustained: float = 0.0


@dataclass
class Measured:
    """The measurements of one target.

    Attributes:
        spec: the target.
        loaded: engine, threads and size.
        cold_start_ms: of each process, from its start to its first answer.
        load_ms: of each process.
        first_ms: of each process, the first image.
        images: the durations of each timed image.
        rounds: the fastest total of each burst, in milliseconds: other work of the machine only adds time.
        cpu_seconds: of all timed images.
        joules: of all timed images; None where the machine has no energy counter.
        resident: bytes after the last burst.
        peak: bytes at most.
        operators: the time inside the model; empty where the engine does not report it.
        scores: float32, shape (images, outputs).
        unknown_scores: of images of no class, likewise.
        corrupted_scores: of corrupted images, by kind and strength, if that was asked for.
        sustained: latency over a longer time, if that was asked for.
    """

    spec: TargetSpec
    loaded: Loaded | None = None
    cold_start_ms: list[float] = field(default_factory=list)
    load_ms: list[float] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)
    images: list[TimedImage] = field(default_factory=list)
    rounds: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    joules: float | None = None
    resident: int = 0
    peak: int = 0
    operators: list[OperatorTime] = field(default_factory=list)
    scores: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    unknown_scores: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    corrupted_scores: dict[tuple[Corruption, int], NDArray[np.float32]] = field(default_factory=dict)
    sustained: Sustained | None = None

    @property
    def totals(self) -> NDArray[np.float64]:
        """The total of each timed image in milliseconds, shape (images,)."""
        return np.array([image.total for image in self.images])


@dataclass(frozen=True)
class Measurements:
    """The measurements of all targets, and of the yardstick that ran in turns with them.

    Attributes:
        targets: in the order of their specifications.
        yardstick: the fixed computation.
        energy_meter: what measured the joules: `RAPL`, `PMIC` or `none`.
    """

    targets: tuple[Measured, ...]
    yardstick: Measured
    energy_meter: str


def measure(
    specs: Sequence[TargetSpec],
    images: ImageSet,
    plan: TimingPlan,
    reporter: Reporter,
    *,
    unknowns: ImageSet | None = None,
    corrupted: CorruptedImages | None = None,
    quiet: bool = True,
) -> Measurements:
    """Measure targets on the same images in the same run.

    Rounds are interleaved, A B C A B C …, so that a drift of the machine affects all alike. Only one process
    works at a time.

    Args:
        specs: the targets.
        images: up to `IMAGES` of them are timed, all are classified.
        plan: how long.
        reporter: shows the progress.
        unknowns: images of no class, which are only classified.
        corrupted: images that are corrupted and classified.
        quiet: discard what the libraries print.

    Raises:
        EdgeError: a target cannot be loaded, or its process ended.
    """
    targets, yardstick = [Measured(spec) for spec in specs], Measured(YARDSTICK)
    with tempfile.TemporaryDirectory() as folder:
        files = _image_files(images, Path(folder))

        def classify_all(processes: Sequence[TargetProcess]) -> None:
            # A whole data set is read at the end: it is not part of the model's memory.
            for each, process in zip(targets, processes, strict=False):
                each.operators = list(process.ask(AskOperators(), Operators).operators)
                with reporter.bar(f"accuracy of {each.spec.name}") as tick:
                    each.scores = _classify(process, images, Path(folder) / "scores.npy", tick)
                if unknowns is not None:
                    with reporter.bar(f"images of no class, {each.spec.name}") as tick:
                        out = Path(folder) / "scores.npy"
                        each.unknown_scores = _classify(process, unknowns, out, tick)
            if corrupted is not None:
                with reporter.bar("corrupted images") as tick:
                    pairs = list(zip(targets, processes, strict=False))
                    _classify_corrupted(pairs, corrupted, Path(folder) / "scores.npy", tick)

        everything = [*targets, yardstick]
        with open_meter() as meter:
            time_in_turns(everything, files, plan, reporter, at_last=classify_all, meter=meter, quiet=quiet)
        if plan.sustained:
            models = [each for each in targets if each.spec.kind is Kind.MODEL_FILE]
            _sustain(models, files, plan.sustained, reporter, quiet=quiet)
    return Measurements(tuple(targets), yardstick, meter.name)


def _sustain(
    targets: Sequence[Measured], files: Sequence[str], seconds: float, reporter: Reporter, *, quiet: bool
) -> None:
    """Let each target work for a longer time, one after the other."""
    for each in targets:
        with TargetProcess(each.spec, files[0], quiet=quiet) as process:
            process.ask(Prepare(tuple(files)), Done)
            with reporter.bar(f"{each.spec.name} without a pause") as tick:
                each.sustained = measure_sustained(process, seconds, tick)


def time_in_turns(
    measured: Sequence[Measured],
    files: Sequence[str],
    plan: TimingPlan,
    reporter: Reporter,
    *,
    at_last: Callable[[Sequence[TargetProcess]], None] = lambda _processes: None,
    meter: EnergyMeter | None = None,
    quiet: bool = True,
) -> None:
    """Time targets in turns, and start them as often as the plan says.

    Args:
        measured: one for each target; filled with the measurements.
        files: image files.
        plan: how long.
        reporter: shows the progress.
        at_last: called with the last processes before they end.
        meter: of energy; none when None.
        quiet: discard what the libraries print.

    Raises:
        EdgeError: a target cannot be loaded, or its process ended.
    """
    for number in range(plan.processes):
        with contextlib.ExitStack() as stack:
            processes = [
                stack.enter_context(TargetProcess(each.spec, files[0], quiet=quiet)) for each in measured
            ]
            with reporter.bar(f"latency, {number + 1} of {plan.processes}") as tick:
                _time_together(measured, processes, files, plan, meter or NoMeter(), tick)
            if number == plan.processes - 1:
                at_last(processes)


def _image_files(images: ImageSet, folder: Path) -> list[str]:
    """Some of the images as files: their own, or PNGs of a data set that is not a folder."""
    count = min(len(images.samples), IMAGES)
    chosen = np.linspace(0, len(images.samples) - 1, count).astype(int)
    paths: list[str] = []
    for position in chosen:
        path = images.dataset.root / images.samples[position].file
        if not path.is_file():
            path = folder / f"{position}.png"
            path.write_bytes(encode_png(images.read(position)))
        paths.append(str(path))
    return paths


def _time_together(
    measured: Sequence[Measured],
    processes: Sequence[TargetProcess],
    files: Sequence[str],
    plan: TimingPlan,
    meter: EnergyMeter,
    tick: Tick,
) -> None:
    """Let freshly started targets take turns."""
    pairs = list(zip(measured, processes, strict=True))
    for each, process in pairs:
        each.loaded = process.loaded
        each.cold_start_ms.append(process.cold_start_ms)
        each.load_ms.append(process.loaded.load_ms)
        each.first_ms.append(process.loaded.first_ms)
        process.ask(Prepare(tuple(files)), Done)
    for burst in range(WARM_UP_BURSTS):
        for process in processes:
            process.ask(Burst(burst * BURST, BURST), Timed)
    wanted = math.ceil(plan.num_runs / plan.processes)
    started = clock.now()
    done = 0
    while done < wanted or clock.now() - started < plan.min_seconds / plan.processes:
        for each, process in pairs:
            _take_turn(each, process, meter, first=done)
        done += BURST
        tick(min(done, wanted), wanted)
    for each, process in pairs:
        memory = process.ask(AskMemory(), Memory)
        each.resident = memory.resident
        each.peak = max(each.peak, memory.peak)


def _take_turn(each: Measured, process: TargetProcess, meter: EnergyMeter, *, first: int) -> None:
    before = meter.joules()
    timed = process.ask(Burst(first, BURST), Timed)
    joules = spent(before, meter.joules())
    each.images += timed.images
    each.rounds.append(min(image.total for image in timed.images))
    each.cpu_seconds += timed.cpu_seconds
    if joules is not None:
        each.joules = (each.joules or 0.0) + joules


def _classify_corrupted(
    pairs: Sequence[tuple[Measured, TargetProcess]], corrupted: CorruptedImages, out: Path, tick: Tick
) -> None:
    cases = list(corrupted.cases())
    for done, (kind, strength) in enumerate(cases, 1):
        with corrupted.files(kind, strength) as (root, files):
            for each, process in pairs:
                each.corrupted_scores[kind, strength] = _score(process, root, files, out)
        tick(done, len(cases))


def _classify(process: TargetProcess, images: ImageSet, out: Path, tick: Tick) -> NDArray[np.float32]:
    return _score(process, images.dataset.root, [sample.file for sample in images.samples], out, tick)


def _score(
    process: TargetProcess, root: Path, files: Sequence[str], out: Path, tick: Tick = no_tick
) -> NDArray[np.float32]:
    scores: list[NDArray[np.float32]] = []
    for start in range(0, len(files), IMAGES_PER_REQUEST):
        part = tuple(files[start : start + IMAGES_PER_REQUEST])
        process.ask(ScoreImages(str(root), part, str(out)), Done)
        scores.append(np.load(out, allow_pickle=False))
        tick(start + len(part), len(files))
    return np.concatenate(scores)
