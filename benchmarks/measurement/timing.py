"""Measure several targets side by side: each in a process of its own, taking turns."""

import contextlib
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measurement.environment import read_energy
from benchmarks.measurement.evaluation_set import HeldOut
from benchmarks.measurement.processes import TargetProcess
from benchmarks.targets.operator_times import OperatorTime
from benchmarks.targets.targets import Kind, TargetSpec
from edge_runtime import encode_png
from edge_runtime.core import clock
from edge_runtime.core.progress import Reporter, Tick

PICTURES = 64
BURST = 10
WARM_UP_BURSTS = 2
TOLD_EVERY = 64
"""Images that a target judges between two words about its progress."""

YARDSTICK = TargetSpec("yardstick", Kind.YARDSTICK)


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    Attributes:
        num_runs: timed pictures for each target, at least.
        min_seconds: of timing for all targets together, at least.
        processes: how many times each target is started anew; the pictures are divided among them.
    """

    num_runs: int = 300
    min_seconds: float = 5.0
    processes: int = 3


@dataclass
class Measured:
    """What one target's processes told.

    Attributes:
        spec: the target.
        loaded: engine, threads and size, as its process told.
        cold_start_ms: of each process: from its start to its first answer.
        load_ms: of each process.
        first_ms: of each process: the first picture.
        rows: milliseconds of each timed picture: decode, resize, invoke, postprocess, and all but decode.
        rounds: the fastest of all but decode in each burst: what else the machine does only ever adds.
        cpu_seconds: of all timed pictures.
        joules: of all timed pictures; None where the machine has no meter.
        resident: bytes after the last burst.
        peak: bytes at most.
        operators: where the time goes inside the model; empty where the engine does not tell.
        scores: float32, shape (pictures, classes).
    """

    spec: TargetSpec
    loaded: dict[str, Any] = field(default_factory=dict)
    cold_start_ms: list[float] = field(default_factory=list)
    load_ms: list[float] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)
    rounds: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    joules: float | None = None
    resident: int = 0
    peak: int = 0
    operators: list[OperatorTime] = field(default_factory=list)
    scores: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))


def measure(
    specs: Sequence[TargetSpec], pictures: HeldOut, plan: Plan, reporter: Reporter, *, quiet: bool = True
) -> list[Measured]:
    """Measure targets on the same pictures in the same run.

    Rounds are interleaved, A B C A B C …, so that a drift of the machine hits all alike. Only one process
    works at a time.

    Args:
        specs: the targets; the yardstick is added as the last.
        pictures: up to `PICTURES` of them are timed, all are judged.
        plan: how long.
        reporter: shows the progress.
        quiet: whether what the libraries print goes nowhere.

    Raises:
        EdgeError: a target cannot be loaded, or its process ended.
    """
    measured = [Measured(spec) for spec in (*specs, YARDSTICK)]
    with tempfile.TemporaryDirectory() as folder:
        files = _picture_files(pictures, Path(folder))

        def judge(processes: Sequence[TargetProcess]) -> None:
            # The pictures of a whole data set are read last: they are no memory of the model's.
            for each, process in zip(measured[:-1], processes, strict=False):
                each.operators = [OperatorTime(**found) for found in process.ask("operators")["operators"]]
                with reporter.bar(f"accuracy of {each.spec.name}") as tick:
                    each.scores = _judge(process, pictures, Path(folder) / "scores.npy", tick)

        return time_in_turns(measured, files, plan, reporter, at_last=judge, quiet=quiet)


def time_in_turns(
    measured: Sequence[Measured],
    files: Sequence[str],
    plan: Plan,
    reporter: Reporter,
    *,
    at_last: Callable[[Sequence[TargetProcess]], None] = lambda _processes: None,
    quiet: bool = True,
) -> list[Measured]:
    """Time targets in turns, and start them anew as often as the plan says.

    Args:
        measured: one for each target; gets what is measured.
        files: picture files.
        plan: how long.
        reporter: shows the progress.
        at_last: is called with the last processes before they end.
        quiet: whether what the libraries print goes nowhere.

    Raises:
        EdgeError: a target cannot be loaded, or its process ended.
    """
    for number in range(plan.processes):
        with contextlib.ExitStack() as stack:
            processes = [
                stack.enter_context(TargetProcess(each.spec, files[0], quiet=quiet)) for each in measured
            ]
            with reporter.bar(f"latency, {number + 1} of {plan.processes}") as tick:
                _time_together(measured, processes, files, plan, tick)
            if number == plan.processes - 1:
                at_last(processes)
    return list(measured)


def _picture_files(pictures: HeldOut, folder: Path) -> list[str]:
    """Some of the pictures as files: their own, or PNGs of a data set that is no folder."""
    count = min(len(pictures.samples), PICTURES)
    chosen = np.linspace(0, len(pictures.samples) - 1, count).astype(int)
    paths: list[str] = []
    for position in chosen:
        path = pictures.dataset.root / pictures.samples[position].file
        if not path.is_file():
            path = folder / f"{position}.png"
            path.write_bytes(encode_png(pictures.read(position)))
        paths.append(str(path))
    return paths


def _time_together(
    measured: Sequence[Measured],
    processes: Sequence[TargetProcess],
    files: Sequence[str],
    plan: Plan,
    tick: Tick,
) -> None:
    """Let freshly started targets take turns."""
    pairs = list(zip(measured, processes, strict=True))
    for each, process in pairs:
        each.loaded = process.loaded
        each.cold_start_ms.append(process.cold_start_ms)
        each.load_ms.append(process.loaded["load_ms"])
        each.first_ms.append(process.loaded["first_ms"])
        process.ask("pictures", paths=files)
    for burst in range(WARM_UP_BURSTS):
        for process in processes:
            process.ask("burst", first=burst * BURST, count=BURST)
    share = math.ceil(plan.num_runs / plan.processes)
    started = clock.now()
    done = 0
    while done < share or clock.now() - started < plan.min_seconds / plan.processes:
        for each, process in pairs:
            _take_turn(each, process, first=done)
        done += BURST
        tick(min(done, share), share)
    for each, process in pairs:
        memory = process.ask("memory")
        each.resident = memory["resident"]
        each.peak = max(each.peak, memory["peak"])


def _take_turn(each: Measured, process: TargetProcess, *, first: int) -> None:
    before = read_energy()
    reply = process.ask("burst", first=first, count=BURST)
    after = read_energy()
    each.rows += reply["rows"]
    each.rounds.append(min(row[-1] for row in reply["rows"]))
    each.cpu_seconds += reply["cpu_seconds"]
    # The meter starts anew now and then.
    if before is not None and after is not None and after >= before:
        each.joules = (each.joules or 0.0) + after - before


def _judge(process: TargetProcess, pictures: HeldOut, out: Path, tick: Tick) -> NDArray[np.float32]:
    files = [sample.file for sample in pictures.samples]
    scores: list[NDArray[np.float32]] = []
    for start in range(0, len(files), TOLD_EVERY):
        part = files[start : start + TOLD_EVERY]
        process.ask("scores", data=str(pictures.dataset.root), files=part, out=str(out))
        scores.append(np.load(out, allow_pickle=False))
        tick(start + len(part), len(files))
    return np.concatenate(scores)
