"""Images that may do harm, compared with the others."""

from edge_runtime.datasets import Look
from edge_runtime.images import ImageStatistics
from trainer.data import Flaw, find_flaws


def look(side: int = 300, brightness: float = 120, sharpness: float = 0.3) -> Look:
    return Look((side, side + 50), None, ImageStatistics(brightness, 50.0, sharpness))


def test_what_differs_from_the_others_is_a_flaw() -> None:
    usual = [look() for _ in range(10)]
    strange = [look(side=60), look(brightness=10), look(sharpness=0.05), look(side=150)]
    assert find_flaws([*usual, *strange]) == [*[None] * 10, Flaw.SMALL, Flaw.DARK, Flaw.BLURRED, None]


def test_what_all_have_in_common_is_none() -> None:
    assert find_flaws([look(side=28, brightness=10, sharpness=0.01)] * 5) == [None] * 5
    assert find_flaws([]) == []
