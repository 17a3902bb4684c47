import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.drift.running import FORGET, RunningMeans, RunningShares


def test_the_first_values_have_their_plain_mean() -> None:
    means = RunningMeans(("a", "b"))
    for value in (1.0, 2.0, 6.0):
        means.add({"a": value, "b": -value})
    assert means.values() == pytest.approx({"a": 3.0, "b": -3.0})


def test_a_value_that_is_missing_now_and_then_changes_no_other_mean() -> None:
    means = RunningMeans(("a", "b", "c"))
    for number in range(4):
        means.add({"a": 1.0, "b": 5.0} if number == 3 else {"a": 1.0})
    assert means.values() == pytest.approx({"a": 1.0, "b": 5.0})


def test_a_mean_follows_its_values() -> None:
    means = RunningMeans(("a",))
    for value in [0.0] * 1000 + [10.0] * (4 * FORGET):
        means.add({"a": value})
    assert means.values()["a"] == pytest.approx(10.0, abs=0.3)


@given(st.lists(st.sampled_from(["cat", "dog", "unknown"]), min_size=1, max_size=500))
def test_shares_are_those_of_weights_that_fade(answers: list[str]) -> None:
    shares = RunningShares()
    for answer in answers:
        shares.add(answer)
    weights = np.exp(-np.arange(len(answers))[::-1] / FORGET)
    found = shares.values()
    assert sum(found.values()) == pytest.approx(1.0)
    for answer in set(answers):
        expected = weights[[each == answer for each in answers]].sum() / weights.sum()
        assert found[answer] == pytest.approx(expected)
