"""Two versions in turns in one job: two checkouts with a command, or two model files."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.gates import Check, check_ratio
from benchmarks.measurement import Interval, Measured, TimingPlan, ratio_of_rounds, time_in_turns
from benchmarks.targets import Kind, TargetSpec
from edge_runtime.core import DatasetError, Reporter, UsageError, clock
from edge_runtime.images import list_images

MAX_TIMED = 64
"""Images that model files are timed on."""


@dataclass(frozen=True)
class AbResult:
    """BASE and HEAD, measured in turns.

    Attributes:
        base: milliseconds of each round.
        head: likewise.
        ratio: HEAD / BASE, round by round, with its 95 % interval.
    """

    base: tuple[float, ...]
    head: tuple[float, ...]
    ratio: Interval

    def check(self, limit: float) -> Check:
        """The rule about the ratio: broken only by a change that is more than chance."""
        return check_ratio(
            "HEAD", self.ratio, float(np.median(self.base)), float(np.median(self.head)), limit
        )


def compare_checkouts(
    base: Path, head: Path, command: Sequence[str], runs: int, reporter: Reporter
) -> AbResult:
    """Run a command in two folders in turns, after one run of each that is not counted.

    Args:
        base: a folder.
        head: another one.
        command: the program and its arguments; no shell.
        runs: counted runs in each.
        reporter: shows the progress.

    Raises:
        UsageError: not two folders, no command, or one that fails.
    """
    for folder in (base, head):
        if not folder.is_dir():
            raise UsageError(f"{folder}: two folders or two model files are expected")
    if not command:
        raise UsageError("give the command to run in both: edge-bench ab BASE HEAD -- COMMAND")
    times: dict[Path, list[float]] = {base: [], head: []}
    with reporter.bar("in turns") as tick:
        for number in range(runs + 1):
            # Who comes first changes: the second one may find warm caches.
            for folder in (base, head) if number % 2 else (head, base):
                times[folder].append(_time(command, folder))
            tick(number + 1, runs + 1)
    return _result(times[base][1:], times[head][1:])


def compare_models(
    base: Path, head: Path, images: Path | None, num_runs: int, reporter: Reporter
) -> AbResult:
    """Time two model files in turns on the images of a folder.

    Raises:
        UsageError: no folder of images is named.
        DatasetError: there is none in it.
        ModelError: a file cannot be used.
    """
    if images is None:
        raise UsageError("two model files need images to be timed on: --images FOLDER")
    files = [str(path) for path in list_images(images)][:MAX_TIMED]
    if not files:
        raise DatasetError(f"{images}: no image in it")
    measured = [
        Measured(TargetSpec(name, Kind.MODEL_FILE, str(path)))
        for name, path in (("base", base), ("head", head))
    ]
    time_in_turns(measured, files, TimingPlan(num_runs=num_runs), reporter)
    return _result(*(each.rounds for each in measured))


def _result(base: Sequence[float], head: Sequence[float]) -> AbResult:
    return AbResult(tuple(base), tuple(head), ratio_of_rounds(np.array(head), np.array(base)))


def _time(command: Sequence[str], folder: Path) -> float:
    started = clock.now()
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command
            list(command), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
        )
    except OSError as error:
        raise UsageError(f"{command[0]}: cannot be run in {folder}: {error.strerror}") from error
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise UsageError(
            f"{command[0]} ended with exit code {done.returncode} in {folder}: {' '.join(last):.200}"
        )
    return clock.milliseconds(started, clock.now())
