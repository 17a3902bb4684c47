import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.drift.running import FORGET, RunningMeans, RunningShares


def test_the_first_values_have_their_plain_mean() -> None:
    means = RunningMeans(("a", "b", "c"))
    means.add("a", [1.0, 2.0])
    means.add("a", [])
    means.add("a", [6.0])
    means.add("b", [5.0])
    assert means.values() == pytest.approx({"a": 3.0, "b": 5.0})


def test_a_mean_follows_its_values() -> None:
    means = RunningMeans(("a",))
    for value in [0.0] * 100 + [10.0] * (FORGET // 4):
        means.add("a", [value] * 16)
    assert means.values()["a"] == pytest.approx(10.0, abs=0.3)


@given(st.lists(st.lists(st.sampled_from(["cat", "dog", "unknown"]), max_size=30), min_size=1, max_size=20))
def test_shares_are_those_of_weights_that_fade_from_call_to_call(calls: list[list[str]]) -> None:
    shares = RunningShares()
    weights = dict.fromkeys(("cat", "dog", "unknown"), 0.0)
    for answers in calls:
        shares.add(answers)
        for each in weights:
            weights[each] = weights[each] * np.exp(-len(answers) / FORGET) + answers.count(each)
    total = sum(weights.values())
    expected = {answer: weight / total for answer, weight in weights.items() if weight}
    assert shares.values() == pytest.approx(expected)
