"""Percentiles, and ratios and fractions with 95 % intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import CLOSED, CONFIDENCE, mcnemar, wilson_interval

RESAMPLES = 2000
UNDISTURBED = 10

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its interval."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Summary:
    """Durations in milliseconds. Percentiles are numpy's (linear interpolation)."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    runs: int
    mean: float
    std: float
    min: float
    p50: float
    p90: float
    p99: float
    max: float


def summarize(samples: Samples) -> Summary:
    """The summary of some durations, shape (runs,)."""
    p50, p90, p99 = np.percentile(samples, [50, 90, 99])
    return Summary(
        runs=len(samples),
        mean=float(samples.mean()),
        std=float(samples.std()),
        min=float(samples.min()),
        p50=float(p50),
        p90=float(p90),
        p99=float(p99),
        max=float(samples.max()),
    )


def ratio_of_rounds(above: Samples, below: Samples) -> Interval:
    """The median of the round by round ratio of two targets, each of shape (rounds,)."""
    ratios = above / below
    return _bootstrap([ratios], lambda parts: float(np.median(parts[0])))


def ratio_of_medians(above: Samples, below: Samples) -> Interval:
    """The ratio of the medians of two independent samples, of shapes (m,) and (n,)."""
    return _bootstrap([above, below], lambda parts: float(np.median(parts[0]) / np.median(parts[1])))


def change_of_time(current: Samples, baseline: Samples) -> Interval:
    """How many times longer a target takes than in an earlier run, each in units of its run's yardstick.

    The tenth percentile over the rounds is taken of target and yardstick: other work of the machine only adds
    time, and adds more to several threads than to the yardstick's single one.

    Args:
        current: milliseconds of target and yardstick in each round, shape (rounds, 2).
        baseline: likewise.
    """
    return _bootstrap([current, baseline], lambda parts: undisturbed(parts[0]) / undisturbed(parts[1]))


def undisturbed(rounds: Samples) -> float:
    """The time of a target in units of the yardstick, by their tenth percentiles.

    Args:
        rounds: milliseconds of target and yardstick in each round, shape (rounds, 2).
    """
    target, yardstick = np.percentile(rounds, UNDISTURBED, axis=0)
    return float(target / yardstick)


def fraction(right: int, count: int) -> Interval:
    """A fraction with Wilson's interval (Wilson 1927)."""
    return Interval(right / count, *wilson_interval(right, count))


def compare_answers(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """The p-value of McNemar's test of two models on the same images.

    Args:
        first: whether each image is right, shape (images,).
        second: likewise.
    """
    return mcnemar(int((first & ~second).sum()), int((~first & second).sum()))


def difference_of_fractions(current: Sequence[bool], baseline: Sequence[bool]) -> Interval:
    """Difference of two fractions of different images (Newcombe 1998, method 10)."""
    one, other = fraction(sum(current), len(current)), fraction(sum(baseline), len(baseline))
    difference = one.value - other.value
    return Interval(
        difference,
        difference - float(np.hypot(one.value - one.low, other.high - other.value)),
        difference + float(np.hypot(one.high - one.value, other.value - other.low)),
    )


def _bootstrap(samples: Sequence[Samples], statistic: Callable[[list[Samples]], float]) -> Interval:
    """The percentile interval of a statistic over resampled rounds (Efron 1979)."""
    random = np.random.default_rng(0)
    values = [
        statistic([each[random.integers(0, len(each), len(each))] for each in samples])
        for _ in range(RESAMPLES)
    ]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(statistic(list(samples)), float(low), float(high))


def confusion_matrix(
    targets: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Images by right class (row) and predicted class (column), shape (classes, classes)."""
    counts = np.bincount(targets * classes + predicted, minlength=classes**2)
    return counts.reshape(classes, classes)
