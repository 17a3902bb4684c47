"""One frame after the other: at random, or for what the model says of it."""

from pathlib import Path

import numpy as np

from edge_runtime.collection import (
    Appearance,
    Chooser,
    CollectionFolder,
    Entry,
    Kept,
    Limits,
    read_collection,
)
from edge_runtime.core import Prediction

UNSURE = [Prediction("a", 0, 0.5), Prediction("b", 1, 0.45)]
SURE = [Prediction("a", 0, 0.99), Prediction("b", 1, 0.01)]


def keep(
    folder: Path, looks: list[np.ndarray], predictions: list[Prediction], per_day: int = 100
) -> list[str]:
    """The reasons for which frames with these descriptors are kept."""
    limits = Limits(10**9, per_day, random_fraction=0.0)
    collection, kept = CollectionFolder(folder, limits, lambda _line: None), Kept([], "m")
    chooser = Chooser(collection, seed=1)
    for number, look in enumerate(looks):
        entry = Entry(file=f"{number}.jpg", time=number, camera="c", model="m")
        appearance = Appearance(None, look.astype(np.float32))
        chooser.choose(entry, predictions, kept, lambda seen=appearance: seen, np.zeros((8, 8, 3), np.uint8))
    return [entry.reason.value for entry in read_collection(folder)]


def apart(count: int) -> list[np.ndarray]:
    """Descriptors at a distance of 1.4 from each other."""
    return list(np.eye(64)[:count])


def test_what_is_like_a_frame_just_kept_is_not_kept_again(tmp_path: Path) -> None:
    assert keep(tmp_path / "same", apart(1) * 30, UNSURE) == ["uncertain"]
    assert keep(tmp_path / "apart", apart(30), UNSURE) == ["uncertain"] * 30


def test_new_frames_are_kept_although_the_model_is_sure(tmp_path: Path) -> None:
    assert keep(tmp_path / "new", apart(5), SURE) == ["new"] * 5
    assert keep(tmp_path / "near", [np.zeros(64), *(0.5 * each for each in apart(5))], SURE) == ["new"]


def test_a_frame_that_was_dropped_may_come_again(tmp_path: Path) -> None:
    one, other = apart(2)
    assert len(keep(tmp_path, [one, other, one], UNSURE, per_day=1)) == 1


def test_random_frames_are_drawn_whatever_the_model_says(tmp_path: Path) -> None:
    folder = CollectionFolder(tmp_path, Limits(10**9, 20), lambda _line: None)
    chooser, kept = Chooser(folder, seed=3), Kept([], "m")
    same = Appearance(None, np.zeros(64, np.float32))
    for number in range(2000):
        entry = Entry(file=f"{number}.jpg", time=number, camera="c", model="m")
        chooser.choose(entry, SURE, kept, lambda: same, np.zeros((8, 8, 3), np.uint8))
    drawn = [entry for entry in read_collection(tmp_path) if entry.reason == "random"]
    assert len(drawn) == 2
    assert max(entry.time for entry in drawn) > 100, "not only the first ones"
