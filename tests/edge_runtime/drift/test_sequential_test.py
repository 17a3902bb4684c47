import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.drift import TailTest, upper_bound


@given(st.floats(0, 1), st.integers(1, 100_000))
def test_the_bound_is_a_probability_above_the_fraction(fraction: float, images: int) -> None:
    bound = upper_bound(fraction, images)
    assert fraction - 1e-9 <= bound <= 1 + 1e-9
    assert bound <= upper_bound(fraction, max(1, images // 2)) + 1e-9


def test_the_bound_covers_the_true_probability_nearly_always() -> None:
    """Two standard deviations: above the true probability in about 97.7 % of the samples."""
    random = np.random.default_rng(0)
    seen = random.binomial(200, 0.05, 2000) / 200
    covered = np.mean([upper_bound(float(fraction), 200) >= 0.05 for fraction in seen])
    assert covered > 0.95


@pytest.mark.parametrize("usual", [0.01, 0.05, 0.2])
def test_events_as_frequent_as_usual_raise_no_alarm(usual: float) -> None:
    events = np.random.default_rng(1).random(200_000) < usual
    test = TailTest(usual)
    assert not any(test.update([event]) for event in events.tolist())


@pytest.mark.parametrize("usual", [0.01, 0.05, 0.1])
def test_a_quarter_more_events_are_found_soon_and_their_rate_is_told(usual: float) -> None:
    random = np.random.default_rng(2)
    test = TailTest(usual)
    test.update((random.random(5000) < usual).tolist())
    assert not test.drifted
    frames = next(n for n in range(1, 1000) if test.update([bool(random.random() < usual + 0.25)]))
    assert frames < 250
    assert test.rate == pytest.approx(usual + 0.25, abs=0.12)


def test_one_alarm_needs_several_events_and_is_raised_once() -> None:
    test = TailTest(0.001)
    raised = [test.update([True]) for _ in range(100)]
    assert sum(raised) == 1
    assert TailTest.LEAST <= raised.index(True) + 1 <= TailTest.LEAST + 1


def test_it_ends_when_events_are_rare_again() -> None:
    test = TailTest(0.05)
    assert test.update([True] * 50)
    assert test.drifted
    assert sum(test.update([False]) for _ in range(2000)) == 1
    assert not test.drifted


@given(st.floats(0.001, 0.9), st.lists(st.booleans(), max_size=300))
def test_any_sequence_keeps_rates_in_range_and_alarms_alternate(usual: float, events: list[bool]) -> None:
    test = TailTest(usual)
    state = False
    for event in events:
        if test.update([event]):
            assert test.drifted is not state
            state = test.drifted
        assert 0 <= test.rate <= 1
        assert test.suspects or not test.drifted


@given(st.floats(0.01, 0.5), st.lists(st.booleans(), max_size=400), st.integers(1, 64))
def test_frames_that_come_together_count_as_one_by_one(usual: float, events: list[bool], size: int) -> None:
    one_by_one, together = TailTest(usual), TailTest(usual)
    for event in events:
        one_by_one.update([event])
    for start in range(0, len(events), size):
        together.update(events[start : start + size])
    assert together.evidence == pytest.approx(one_by_one.evidence)
    assert together.rate == pytest.approx(one_by_one.rate)
