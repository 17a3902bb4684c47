"""Series of numbers: nothing is found where nothing happened, steps and drifts are found where they began."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.history import find_changes
from benchmarks.history.change_points import LEAST


def noise(seed: int, count: int = 20) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.02, count)


def test_of_a_hundred_equal_series_hardly_one_has_a_change() -> None:
    # The permutation test's level is 0.003.
    assert sum(bool(find_changes(noise(seed))) for seed in range(100)) <= 1


def test_a_step_is_found_at_its_place_with_its_size() -> None:
    points = []
    for seed in range(40):
        values = noise(seed)
        values[12:] += 0.2
        (point,) = find_changes(values, 0.02)
        points.append(point)
    assert {point.at for point in points} == {12}
    # 95 % intervals of 40 series.
    assert sum(point.low <= 0.2 <= point.high for point in points) >= 35
    assert max(point.high - point.low for point in points) < 0.08


def test_two_steps_are_two() -> None:
    values = noise(3, 45)
    values[15:] += 0.1
    values[30:] -= 0.2
    assert [point.at for point in find_changes(values, 0.02)] == [15, 30]


def test_an_outlier_is_no_change() -> None:
    for seed in range(10):
        values = noise(seed)
        values[11] += 1.0
        assert find_changes(values, 0.02) == []


def test_a_constant_series_has_none_and_a_step_without_noise_is_one() -> None:
    assert find_changes(np.ones(20)) == []
    (point,) = find_changes(np.repeat([1.0, 2.0], [14, 6]))
    assert (point.at, point.earliest, point.latest, point.difference) == (14, 14, 14, 1.0)


def test_smaller_changes_than_asked_for_are_none() -> None:
    values = noise(0) / 100
    values[10:] += 0.01
    assert find_changes(values, 0.02) == []
    assert len(find_changes(values, 0.005)) == 1


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_any_series_is_examined(values: list[float]) -> None:
    points = find_changes(np.array(values))
    places = [point.at for point in points]
    assert places == sorted(set(places))
    assert all(LEAST <= place <= len(values) - LEAST for place in places)
    assert all(point.earliest <= point.at <= point.latest for point in points)
