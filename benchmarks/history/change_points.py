"""Where the mean of a series changes: binary segmentation with a permutation test.

A single outlier is no change: at least `LEAST` values stand on either side. Permutations assume of the noise
only that it does not depend on the order. Sources: Scott and Knott 1974; Matteson and James 2014.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import CONFIDENCE

LEAST = 3
"""Values on either side of a change."""

SIGNIFICANCE = 0.003
"""The level of the test. Of 6 + 6 values 2 in 924 orders are as extreme as a step: fewer prove little."""

PERMUTATIONS = 4999
_LIKELY = 3.84
"""The 95 % quantile of chi-squared with one degree of freedom."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class ChangePoint:
    """A change of the mean.

    Attributes:
        at: the first value after it.
        earliest: the first value that may be the first after it, with 95 % confidence.
        latest: and the last.
        before: mean of the values before it, back to the previous change.
        after: and after it, up to the next.
        low: the lower end of the 95 % interval of the difference.
        high: and the upper.
        p_value: of the permutation test.
    """

    at: int
    earliest: int
    latest: int
    before: float
    after: float
    low: float
    high: float
    p_value: float

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.after - self.before


def find_changes(values: Values, least_difference: float = 0.0) -> list[ChangePoint]:
    """Find the changes of the mean of a series, in order.

    Args:
        values: in the order of time, shape (values,).
        least_difference: smaller differences are none.
    """
    random = np.random.default_rng(0)
    bounds = [0, *sorted(_split(values, 0, len(values), least_difference, random)), len(values)]
    found = []
    for start, at, end in zip(bounds, bounds[1:], bounds[2:], strict=False):
        point = _describe(values[start:at], values[at:end], start, random)
        # What was split off later may have left too little of it.
        if abs(point.difference) >= least_difference:
            found.append(point)
    return found


def _split(
    values: Values, start: int, end: int, least_difference: float, random: np.random.Generator
) -> list[int]:
    part = values[start:end]
    if len(part) < 2 * LEAST:
        return []
    at = int(_contrasts(part[np.newaxis])[0].argmax()) + LEAST
    if abs(part[at:].mean() - part[:at].mean()) < least_difference or _p_value(part, random) >= SIGNIFICANCE:
        return []
    left = _split(values, start, start + at, least_difference, random)
    return [*left, start + at, *_split(values, start + at, end, least_difference, random)]


def _contrasts(rows: Values) -> Values:
    """How far the means before and after each place are apart, in standard errors of equal noise.

    Args:
        rows: shape (rows, values).

    Returns:
        Shape (rows, values - 2 × LEAST + 1): for each first value after a change.
    """
    count = rows.shape[1]
    before = np.arange(LEAST, count - LEAST + 1)
    sums = np.cumsum(rows - rows.mean(axis=1, keepdims=True), axis=1)[:, before - 1]
    return np.asarray(np.abs(sums) * np.sqrt(count / (before * (count - before))))


def _p_value(part: Values, random: np.random.Generator) -> float:
    found = _contrasts(part[np.newaxis]).max()
    shuffled = random.permuted(np.tile(part, (PERMUTATIONS, 1)), axis=1)
    # Sums in another order differ in the last digits.
    reached = (_contrasts(shuffled).max(axis=1) >= found - 1e-12).sum()
    return float((reached + 1) / (PERMUTATIONS + 1))


def _describe(before: Values, after: Values, start: int, random: np.random.Generator) -> ChangePoint:
    both = np.concatenate([before, after])
    earliest, latest = _place(both, len(before))
    low, high = _interval(before, after)
    return ChangePoint(
        at=start + len(before),
        earliest=start + earliest,
        latest=start + latest,
        before=float(before.mean()),
        after=float(after.mean()),
        low=low,
        high=high,
        p_value=_p_value(both, random),
    )


def _interval(before: Values, after: Values) -> tuple[float, float]:
    """The 95 % interval of the difference of two means (Welch 1947)."""
    from scipy.stats import ttest_ind

    if np.ptp(before) == np.ptp(after) == 0:
        return (float(after[0] - before[0]),) * 2
    interval = ttest_ind(after, before, equal_var=False).confidence_interval(CONFIDENCE)
    return float(interval.low), float(interval.high)


def _place(values: Values, at: int) -> tuple[int, int]:
    """The places that explain the values nearly as well as the best, by the likelihood ratio."""
    places = np.arange(1, len(values))
    errors = np.array([values[:k].var() * k + values[k:].var() * (len(values) - k) for k in places])
    noise = errors[at - 1] / max(1, len(values) - 2)
    likely = places[errors - errors[at - 1] <= _LIKELY * noise + 1e-15]
    return int(likely.min()), int(likely.max())
