"""Accuracy and latency of several targets, on the same pictures in the same run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.held_out import HeldOut
from benchmarks.targets import Target
from edge_runtime import clock
from edge_runtime.progress import Tick

WARM_UP_ROUNDS = 5
MAX_TIMING_PICTURES = 64


@dataclass(frozen=True)
class Accuracy:
    """How right a target is.

    Attributes:
        top1: share of the pictures whose best label is right, in [0, 1].
        agreement: share of the pictures with the first target's best label, in [0, 1].
        max_score_difference: the largest difference of any score from the first target's, in [0, 1].
    """

    top1: float
    agreement: float
    max_score_difference: float


@dataclass(frozen=True)
class Latency:
    """Milliseconds from a decoded picture to its scores, one picture at a time.

    Percentiles are numpy's (linear interpolation). `ratio_to_first` is the median of the round by round ratio
    to the first target: drift of the machine hits both sides of it alike.
    """

    runs: int
    mean: float
    p50: float
    p90: float
    p99: float
    ratio_to_first: float


def measure_accuracy(targets: Sequence[Target], pictures: HeldOut, tick: Tick) -> list[Accuracy]:
    """Let every target classify every held-out picture."""
    rows: list[list[NDArray[np.float32]]] = [[] for _ in targets]
    for position in range(len(pictures.samples)):
        image = pictures.read(position)
        for row, target in zip(rows, targets, strict=True):
            row.append(target.scores(image))
        tick(position + 1, len(pictures.samples))
    found = [np.stack(row) for row in rows]
    right = np.array(pictures.targets)
    first = found[0]
    return [
        Accuracy(
            top1=float((scores.argmax(axis=1) == right).mean()),
            agreement=float((scores.argmax(axis=1) == first.argmax(axis=1)).mean()),
            max_score_difference=float(np.abs(scores - first).max()),
        )
        for scores in found
    ]


def measure_latency(
    targets: Sequence[Target], pictures: HeldOut, *, num_runs: int, min_seconds: float, tick: Tick
) -> list[Latency]:
    """Time the targets in turn, A B C A B C …, on decoded pictures.

    Args:
        targets: the first one is what the others are compared with.
        pictures: up to `MAX_TIMING_PICTURES` of them are decoded beforehand and taken in turn.
        num_runs: at least so many rounds.
        min_seconds: and at least so many seconds for all targets together.
        tick: is told of the progress.
    """
    kept = [pictures.read(position) for position in range(min(len(pictures.samples), MAX_TIMING_PICTURES))]
    for turn in range(WARM_UP_ROUNDS):
        for target in targets:
            target.scores(kept[turn % len(kept)])
    rounds: list[list[float]] = []
    started = clock.now()
    while len(rounds) < num_runs or clock.now() - started < min_seconds:
        image = kept[len(rounds) % len(kept)]
        times: list[float] = []
        for target in targets:
            before = clock.now()
            target.scores(image)
            times.append(clock.milliseconds(before, clock.now()))
        rounds.append(times)
        tick(min(len(rounds), num_runs), num_runs)
    table = np.array(rounds)
    return [_summarize(table[:, column], table[:, 0]) for column in range(len(targets))]


def _summarize(times: NDArray[np.float64], first: NDArray[np.float64]) -> Latency:
    p50, p90, p99 = np.percentile(times, [50, 90, 99])
    return Latency(
        runs=len(times),
        mean=float(times.mean()),
        p50=float(p50),
        p90=float(p90),
        p99=float(p99),
        ratio_to_first=float(np.median(times / first)),
    )
