"""The front and the choice: the most accurate model within the budget."""

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measurement import fraction
from benchmarks.search import Budget, Candidate, Trained
from benchmarks.search.choosing import choose, place


def trained(alpha: float, right: int, *, mb: float = 1.0, passed: bool = True) -> Trained:
    return Trained(Candidate(alpha, 96), right / 100, fraction(right, 100), None, mb, passed, 1.0)


def times(**milliseconds: float) -> dict[str, float]:
    return {f"alpha-{name.replace('_', '.')[1:]}-size-96": ms for name, ms in milliseconds.items()}


THREE = [trained(0.35, 90), trained(0.5, 95), trained(1.0, 96, mb=3.0)]
TIMES = times(a0_35=2.0, a0_5=4.0, a1=9.0)


def chosen_within(budget: Budget) -> tuple[str, str]:
    best, reason = choose(place(THREE, TIMES, budget), budget)
    return best.name if best else "", reason


def test_the_most_accurate_within_the_budget_is_picked() -> None:
    assert chosen_within(Budget(5.0, None))[0] == "alpha-0.5-size-96"
    assert chosen_within(Budget(3.0, None))[0] == "alpha-0.35-size-96"
    assert chosen_within(Budget(None, 2.0))[0] == "alpha-0.5-size-96"
    assert chosen_within(Budget(None, None))[0] == "alpha-1-size-96"


def test_the_reason_names_the_next_and_what_a_larger_budget_would_give() -> None:
    _name, reason = chosen_within(Budget(5.0, None))
    assert "the most accurate within 5 ms, accuracy 0.9500" in reason
    assert "the next is alpha 0.35 at 96 px" in reason
    assert "cannot tell the two apart" in reason
    assert "more accurate beyond the budget: alpha 1 at 96 px" in reason


def test_no_model_within_the_budget_is_an_answer_too() -> None:
    name, reason = chosen_within(Budget(1.0, None))
    assert name == ""
    assert "the fastest is alpha 0.35 at 96 px" in reason


def test_of_equals_the_fastest_is_picked() -> None:
    tuned = place([trained(0.35, 90), trained(0.5, 90)], TIMES, Budget(None, None))
    best, _reason = choose(tuned, Budget(None, None))
    assert best is not None
    assert best.name == "alpha-0.35-size-96"
    assert [each.on_front for each in tuned] == [True, False]


def test_a_model_that_int8_spoils_is_not_picked() -> None:
    tuned = place([trained(0.35, 90), trained(0.5, 95, passed=False)], TIMES, Budget(None, None))
    best, _reason = choose(tuned, Budget(None, None))
    assert best is not None
    assert best.name == "alpha-0.35-size-96"
    assert [each.on_front for each in tuned] == [True, False]
    best, reason = choose(place([trained(0.5, 95, passed=False)], TIMES, Budget(None, None)), Budget(9, None))
    assert best is None
    assert "int8 loses too much accuracy" in reason


_POINTS = st.lists(st.tuples(st.integers(50, 100), st.integers(1, 8)), min_size=1, max_size=8)


@given(_POINTS, st.integers(1, 9))
def test_the_choice_is_on_the_front_of_what_the_budget_allows(
    points: list[tuple[int, int]], limit: int
) -> None:
    candidates = [trained(0.2 + 0.1 * number, right) for number, (right, _ms) in enumerate(points)]
    by_name = {each.candidate.name: float(ms) for each, (_, ms) in zip(candidates, points, strict=True)}
    budget = Budget(float(limit), None)
    tuned = place(candidates, by_name, budget)
    assert [each.ms for each in tuned] == sorted(by_name.values())
    front = [each for each in tuned if each.on_front]
    assert front
    values = [each.trained.accuracy.value for each in front]
    assert values == sorted(values), "on the front more time buys more accuracy"
    best, _reason = choose(tuned, budget)
    assert (best is None) == (min(by_name.values()) > limit)
    if best is not None:
        assert best.ms <= limit
        assert best.on_front
        assert best.trained.accuracy.value == max(e.trained.accuracy.value for e in tuned if e.fits)
