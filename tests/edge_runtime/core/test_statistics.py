import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from edge_runtime.core import mcnemar, wilson_interval


def test_the_test_of_mcnemar_is_scipys_on_a_thousand_cases() -> None:
    random = np.random.default_rng(0)
    for lost, won in random.integers(0, 400, (1000, 2)).tolist():
        expected = binomtest(lost, lost + won).pvalue if lost + won else 1.0
        assert mcnemar(lost, won) == pytest.approx(expected, abs=1e-9), (lost, won)


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_it_is_symmetric_and_a_probability(lost: int, won: int) -> None:
    assert 0 <= mcnemar(lost, won) == mcnemar(won, lost) <= 1


def test_many_images_are_no_problem() -> None:
    assert mcnemar(40_000, 41_500) < 1e-6
    assert mcnemar(40_000, 40_100) > 0.5


def test_wilsons_interval_is_scipys_on_a_thousand_cases() -> None:
    random = np.random.default_rng(0)
    for count in random.integers(1, 20_000, 1000).tolist():
        right = int(random.integers(0, count + 1))
        expected = binomtest(right, count).proportion_ci(0.95, "wilson")
        assert wilson_interval(right, count) == pytest.approx((expected.low, expected.high), abs=1e-9)
