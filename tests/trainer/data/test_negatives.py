"""The user's own images of no class: a class folder of the label's name, and another folder."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_runtime import DatasetError, Resize
from edge_runtime.core import Reporter
from edge_runtime.datasets import make_unknowns, open_dataset
from tests.conftest import paint, save
from trainer import TrainConfig
from trainer.choices import Reject
from trainer.data import ImageLoader, make_batches
from trainer.data.negatives import (
    NO_CLASS,
    add_negatives,
    make_negative_batches,
    negatives_in_a_batch,
    scan_negatives,
    separate_negatives,
)
from trainer.data.preparation import prepare_data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes with 100 images each, and a folder of negatives beside them."""
    for label, first in (("a", 0), ("b", 100), ("unknown", 200)):
        for number in range(100 if label != "unknown" else 5):
            save(tmp_path / "data" / label / f"{number}.png", paint((first + number % 50, number, 7), 4, 4))
    return tmp_path / "data"


def config(data: Path, **changes: object) -> TrainConfig:
    return replace(TrainConfig(data=str(data), weights="none", image_size=32), **changes)  # type: ignore[arg-type]


def test_a_class_folder_of_that_name_has_negatives(folder: Path) -> None:
    dataset, negatives = separate_negatives(open_dataset(str(folder)), config(folder))
    assert dataset.labels == ("a", "b")
    assert len(dataset.samples) == 200
    assert [len(each.samples) for each in negatives] == [5]
    dataset, negatives = separate_negatives(open_dataset(str(folder)), config(folder, unknown_label="none"))
    assert (dataset.labels, negatives) == (("a", "b", "unknown"), [])
    dataset, negatives = separate_negatives(open_dataset(str(folder)), config(folder, reject=Reject.OFF))
    assert (dataset.labels, negatives) == (("a", "b", "unknown"), [])


def test_a_folder_of_negatives_is_read_and_images_of_a_class_are_left_out(
    folder: Path, tmp_path: Path
) -> None:
    for number in range(3):
        save(tmp_path / "more" / "deep" / f"{number}.png", paint((1, 2, 200 + number), 4, 4))
    save(tmp_path / "more" / "same.png", paint((0, 0, 7), 4, 4))
    (tmp_path / "more" / "broken.png").write_bytes(b"no image")
    with Reporter() as reporter:
        data = prepare_data(config(folder, negatives=tmp_path / "more"), reporter)
    assert data.labels == ("a", "b")
    assert sorted(len(each.samples) for each in data.negatives) == [3, 5]


def test_where_there_are_no_images_or_no_classes_left_it_is_said(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    with pytest.raises(DatasetError, match="none: expected a folder with images"):
        separate_negatives(open_dataset(str(folder)), config(folder, negatives=tmp_path / "none"))
    shutil.rmtree(folder / "unknown")
    whole, wanted = open_dataset(str(folder)), config(folder, unknown_label="b")
    with pytest.raises(DatasetError, match="beside 'b', whose images are of no class; found 1"):
        separate_negatives(whole, wanted)
    with Reporter() as reporter:
        assert scan_negatives([], [], reporter, strict=False) == ()


def test_images_are_set_aside_for_the_rejection_where_there_are_enough(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def counts(**changes: object) -> dict[str, int]:
        with Reporter() as reporter:
            data = prepare_data(config(folder, **changes), reporter)
        return {split: len(data.split(split)) for split in ("train", "validation", "rejection", "test")}

    assert counts(validation_split=0.4)["rejection"] >= 30
    assert counts(validation_split=0.4, reject=Reject.OFF)["rejection"] == 0
    capsys.readouterr()
    few = counts(validation_split=0.2)
    assert few["rejection"] == 0
    assert "no output for images of no class" in capsys.readouterr().err
    with pytest.raises(DatasetError, match=r"--reject on with --keep 0\.99 needs 99 images"):
        counts(validation_split=0.4, reject=Reject.ON, keep=0.99)


def test_batches_of_negatives_come_again_and_again_in_an_order_of_the_epoch(
    folder: Path, tmp_path: Path
) -> None:
    for number in range(3):
        save(tmp_path / "more" / f"{number}.png", paint((1, 2, 200 + number), 4, 4))
    with Reporter() as reporter:
        data = prepare_data(config(folder, negatives=tmp_path / "more"), reporter)
    loader = ImageLoader(data.dataset, (32, 32), Resize.SQUASH)
    known = make_batches(loader, data.samples[:40], data.labels, 16)
    negatives = make_negative_batches(data.negatives, (32, 32), Resize.SQUASH, negatives_in_a_batch(16))

    def epoch(seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
        return list(add_negatives(known, negatives, seed))

    first = epoch(1)
    kinds = len(make_unknowns([np.zeros((32, 32, 3), np.uint8)], 1, 0))
    # 40 images are two batches of 16 and one of 8; 8 negatives are batches of 4, 1 and 3.
    assert [(targets != NO_CLASS).sum() for _images, targets in first] == [16, 16, 8]
    assert [(targets == NO_CLASS).sum() - kinds for _images, targets in first] == [4, 1, 3]
    seen = {tuple(image[0, 0]) for images, targets in first for image in images[targets == NO_CLASS]}
    assert seen >= {(1, 2, 200), (1, 2, 201), (1, 2, 202)}
    of_classes = [targets[targets != NO_CLASS] for _images, targets in first]
    np.testing.assert_array_equal(np.sort(np.concatenate(of_classes)), np.sort(known.targets))
    for same, other in zip(first, epoch(1), strict=True):
        np.testing.assert_array_equal(same[0], other[0])
    assert any(not np.array_equal(one[0], other[0]) for one, other in zip(first, epoch(2), strict=True))
    many = make_batches(loader, data.samples[:160], data.labels, 16)
    counts = [(targets == NO_CLASS).sum() - kinds for _images, targets in add_negatives(many, negatives, 1)]
    assert counts == [4, 1, 3] * 3 + [4]


def test_a_fifth_is_not_trained_on_and_stays_that_fifth(folder: Path, tmp_path: Path) -> None:
    for number in range(100):
        save(tmp_path / "more" / f"{number}.png", paint((1, number, 200), 4, 4))

    def fresh(count: int) -> set[str]:
        for number in range(count, 100):
            (tmp_path / "more" / f"{number}.png").unlink(missing_ok=True)
        with Reporter() as reporter:
            data = prepare_data(config(folder, negatives=tmp_path / "more"), reporter)
        (found,) = (each for each in data.negatives if each.dataset.root == tmp_path / "more")
        chosen = {each.file for each, is_fresh in zip(found.samples, found.fresh, strict=True) if is_fresh}
        assert {each.file for each in found.trained.samples} == {each.file for each in found.samples} - chosen
        return chosen

    every = fresh(100)
    assert 10 <= len(every) <= 32
    some = fresh(60)
    assert some < every
