from hypothesis import given
from hypothesis import strategies as st

from edge_runtime import Decision
from edge_runtime.core import UNKNOWN
from tests.edge_runtime.results import result

LABELS = st.sampled_from(["cat", "dog", UNKNOWN])


def answers(votes: list[str], decision: Decision, step: float = 0.1) -> list[str]:
    return [decision.decide(result(vote, at=number * step)).answer for number, vote in enumerate(votes)]


def test_without_smoothing_each_frame_speaks_for_itself() -> None:
    assert answers(["cat", UNKNOWN, "dog"], Decision()) == ["cat", UNKNOWN, "dog"]


def test_below_the_threshold_is_unknown() -> None:
    decided = Decision(threshold=0.95).decide(result("cat"))
    assert (decided.answer, decided.predictions) == (UNKNOWN, ())


def test_a_single_wrong_frame_changes_nothing() -> None:
    votes = ["cat"] * 10 + ["dog"] + ["cat"] * 5 + [UNKNOWN] + ["cat"] * 5
    assert set(answers(votes, Decision(smooth=1.0))) == {"cat"}


def test_two_labels_that_are_equally_likely_do_not_alternate() -> None:
    votes = ["cat"] * 10 + ["dog", "cat"] * 20
    assert set(answers(votes, Decision(smooth=1.0))) == {"cat"}


def test_a_real_change_takes_over_within_the_time() -> None:
    said = answers(["cat"] * 20 + ["dog"] * 20, Decision(smooth=1.0))
    turn = said.index("dog")
    assert 20 < turn <= 27
    assert set(said[turn:]) == {"dog"}


def test_votes_from_before_a_gap_no_longer_count() -> None:
    decision = Decision(smooth=1.0)
    answers(["cat"] * 20, decision)
    assert decision.decide(result("dog", at=60.0)).answer == "dog"


@given(st.lists(LABELS, min_size=1, max_size=60), st.floats(0.1, 5.0))
def test_the_answer_is_always_one_that_was_voted_for(votes: list[str], smooth: float) -> None:
    for number, answer in enumerate(answers(votes, Decision(smooth=smooth))):
        assert answer in votes[: number + 1]
