"""Like images are shown together."""

from pathlib import Path

import numpy as np

from edge_runtime.inference import load_model
from edge_runtime.model import read_model_file
from tests.edge_runtime.images.test_perceptual_hash import scene
from tests.images import save
from trainer.labelling.board import Item, collect_items
from trainer.labelling.likeness import MAX_GROUP, Likeness, group_items, look_at


def nowhere(_key: str) -> None:
    """The images are where they were."""


def images(tmp_path: Path) -> list[Item]:
    for number in range(6):
        for copy in range(4):
            noise = np.random.default_rng(copy).integers(-8, 8, (240, 320, 3))
            save(tmp_path / f"{copy}-{number}.png", np.clip(scene(number) + noise, 0, 255).astype(np.uint8))
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    return collect_items([tmp_path])


def names(groups: list[list[Item]]) -> list[set[str]]:
    return [{item.path.stem[-1] for item in group} for group in groups]


def test_copies_of_a_scene_are_one_group(tmp_path: Path) -> None:
    items = images(tmp_path)
    ticks: list[tuple[int, int]] = []
    likeness = look_at(items, nowhere, None, lambda *tick: ticks.append(tick))
    groups = group_items(items, likeness)
    assert sorted(map(len, groups)) == [4] * 6, "the file that is no image is left out"
    assert all(len(scenes) == 1 for scenes in names(groups))
    assert ticks[-1] == (25, 25)
    assert not likeness.suggestions


def test_a_model_suggests_and_what_it_is_least_sure_of_comes_first(
    tmp_path: Path, color_models: dict[str, Path]
) -> None:
    items = images(tmp_path)
    model = load_model(read_model_file(color_models["uint8"]))
    likeness = look_at(items, nowhere, model)
    groups = group_items(items, likeness)
    assert {item.id for group in groups for item in group} == set(likeness.suggestions)
    for group in groups:
        assert len({likeness.suggestions[item.id].label for item in group}) == 1
    doubts = [
        min(likeness.suggestions[item.id].score for item in group) for group in groups if len(group) == 4
    ]
    assert doubts == sorted(doubts)


def test_until_the_images_are_known_they_stay_in_their_order() -> None:
    items = [Item(str(number), Path(f"{number}.jpg")) for number in range(MAX_GROUP + 5)]
    assert [item for group in group_items(items, None) for item in group] == items


def test_a_group_is_never_larger_than_a_screen() -> None:
    items = [Item(str(number), Path(f"{number}.jpg")) for number in range(150)]
    same = Likeness({}, {item.id: np.zeros(64, np.float32) for item in items}, frozenset())
    assert [len(group) for group in group_items(items, same)] == [60, 60, 30]
