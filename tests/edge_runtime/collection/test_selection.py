"""Which frames are worth a label."""

import pytest

from edge_runtime.collection import Reason, judge
from edge_runtime.collection.selection import Flicker
from edge_runtime.core import Prediction


def best(first: float, second: float) -> list[Prediction]:
    return [Prediction("robin", 0, first), Prediction("unknown", 1, second)]


def test_the_reasons_in_their_order() -> None:
    uncertain = judge(best(0.5, 0.4), 0.3)
    flicker = judge(best(0.9, 0.1), 0.5, flickers=True)
    new = judge(best(0.99, 0.0), 1.0)
    assert uncertain is not None
    assert flicker is not None
    assert new is not None
    assert (uncertain.reason, flicker.reason, new.reason) == (Reason.UNCERTAIN, Reason.FLICKER, Reason.NEW)
    assert uncertain.value == pytest.approx(0.9)
    assert uncertain.value > new.value >= flicker.value
    assert judge(best(0.99, 0.0), 0.5) is None, "sure, and not new"
    assert judge(best(0.5, 0.5), 0.2) is None, "too much like a kept one"
    assert judge([Prediction("only", 0, 0.4)], 0.5) is None, "one class alone is never uncertain"


def test_the_closer_the_scores_the_more_useful() -> None:
    values = [judge(best(0.5 + gap / 2, 0.5 - gap / 2), 1.0) for gap in (0.0, 0.1, 0.3, 0.49)]
    assert [each.value for each in values if each] == pytest.approx([1.0, 0.9, 0.7, 0.51])


def test_a_flicker_is_three_changes_in_eight_frames() -> None:
    def seen(answers: str) -> bool:
        flicker = Flicker()
        for answer in answers:
            flicker.add(answer)
        return flicker.flickers

    assert seen("aaabab")
    assert not seen("aaaaab"), "one change is a new answer"
    assert not seen("ababaaaaaaaa"), "it is over"
    assert not seen("aababa" + "a"), "the answer has just been confirmed"
    assert seen("aababac")
