import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measurement.statistics import (
    change_of_time,
    compare_answers,
    difference_of_fractions,
    fraction,
    ratio_of_rounds,
    summarize,
)

TIMES = st.lists(st.floats(0.01, 1e4), min_size=1, max_size=300).map(np.array)


@given(TIMES)
def test_the_summary_is_numpys(times: np.ndarray) -> None:
    summary = summarize(times)
    assert [summary.p50, summary.p90, summary.p99] == list(np.percentile(times, [50, 90, 99]))
    assert (summary.runs, summary.mean, summary.std) == (len(times), times.mean(), times.std())
    assert summary.min <= summary.p50 <= summary.p90 <= summary.p99 <= summary.max


def test_a_drift_of_the_machine_divides_out() -> None:
    random = np.random.default_rng(0)
    drift = np.linspace(1, 3, 60)
    one = drift * 2.0 * random.normal(1, 0.02, 60)
    other = drift * 1.0 * random.normal(1, 0.02, 60)
    ratio = ratio_of_rounds(one, other)
    assert ratio.low <= 2.0 <= ratio.high
    assert ratio.high - ratio.low < 0.05


def run(slowness: float, seed: int) -> np.ndarray:
    """Rounds of a target and the yardstick; half of the time something else slows the target down."""
    random = np.random.default_rng(seed)
    disturbed = np.where(random.random(60) < 0.5, random.uniform(1, 3, 60), 1.0)
    speed = random.uniform(0.5, 2)
    target = speed * slowness * disturbed * random.normal(1, 0.02, 60)
    return np.column_stack([target, speed * random.normal(1, 0.02, 60)])


@pytest.mark.parametrize("seed", range(5))
def test_a_change_of_a_fifth_is_seen_and_none_is_not(seed: int) -> None:
    baseline = run(1.0, seed)
    same = change_of_time(run(1.0, seed + 100), baseline)
    assert same.value == pytest.approx(1.0, abs=0.05)
    slower = change_of_time(run(1.2, seed + 200), baseline)
    assert slower.low > 1.1
    assert slower.value == pytest.approx(1.2, rel=0.05)


def test_wilsons_interval_is_that_of_the_book() -> None:
    # Newcombe 1998, table I: 81 of 263.
    interval = fraction(81, 263)
    assert interval.value == pytest.approx(81 / 263)
    assert (interval.low, interval.high) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))


def test_the_difference_of_fractions_is_that_of_the_book() -> None:
    # Newcombe 1998, table II, method 10: 56 of 70 and 48 of 80.
    difference = difference_of_fractions([True] * 56 + [False] * 14, [True] * 48 + [False] * 32)
    assert difference.value == pytest.approx(0.2)
    assert (difference.low, difference.high) == (
        pytest.approx(0.0524, abs=1e-4),
        pytest.approx(0.3339, abs=1e-4),
    )


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 50))
def test_mcnemar_is_the_sign_test_of_what_only_one_gets_right(lost: int, won: int, both: int) -> None:
    first = np.array([True] * lost + [False] * won + [True] * both, bool)
    second = np.array([False] * lost + [True] * won + [True] * both, bool)
    count, least = lost + won, min(lost, won)
    tail = sum(math.comb(count, k) for k in range(least + 1)) / 2**count
    assert compare_answers(first, second) == pytest.approx(min(1.0, 2 * tail) if count else 1.0, rel=1e-9)
