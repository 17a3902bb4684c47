"""The user's own images of no class: a class folder of the label's name, and another folder."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edge_runtime import DatasetError
from edge_runtime.core import Reporter
from edge_runtime.datasets import open_dataset
from tests.conftest import paint, save
from trainer import TrainConfig
from trainer.choices import Reject
from trainer.data.negatives import scan_negatives, separate_negatives
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
