import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime import DatasetError, ImageError, Sample, open_dataset
from edge_runtime.datasets import SPLITS, format_split, parse_split, pixel_hash
from tests.conftest import paint, save

NAME = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"))


@given(st.lists(st.builds(Sample, file=NAME, label=NAME, split=st.sampled_from(SPLITS), hash=NAME)))
def test_a_split_comes_back_as_written(samples: list[Sample]) -> None:
    assert parse_split(format_split(samples)) == tuple(samples)


@pytest.mark.parametrize("content", [b"", b"file,label\n", b"file,label,split,hash\na,b\n", b"\xff\xfe\0"])
def test_what_is_no_split_is_refused(content: bytes) -> None:
    with pytest.raises(DatasetError, match=r"split\.csv: expected the columns"):
        parse_split(content)


def test_class_folders_in_natural_order_with_any_file_name(tmp_path: Path) -> None:
    names = ["a b.png", "zwei\nZeilen.png", "日本.png", os.fsdecode(b"not-utf8-\xff.png")]
    for label in ("10", "2"):
        for name in names:
            save(tmp_path / label / name, paint((1, 2, 3)))
    dataset = open_dataset(str(tmp_path))
    assert dataset.labels == ("2", "10")
    assert len(dataset.samples) == 8
    again = parse_split(format_split([Sample(each.file, each.label, "train") for each in dataset.samples]))
    assert [each.file for each in again] == [each.file for each in dataset.samples]
    assert all(dataset.read(each.file).shape == (20, 30, 3) for each in again)


def test_split_folders_keep_their_split(tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        for label in ("a", "b"):
            save(tmp_path / split / label / "1.png", paint((1, 2, 3)))
    (tmp_path / ".ipynb_checkpoints").mkdir()
    dataset = open_dataset(str(tmp_path))
    assert dataset.labels == ("a", "b")
    assert sorted({sample.split for sample in dataset.samples}) == ["test", "train", "validation"]


def test_train_and_test_folders_alone_leave_the_division_to_the_trainer(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label in ("a", "b"):
            save(tmp_path / split / label / "1.png", paint((1, 2, 3)))
    dataset = open_dataset(str(tmp_path))
    assert {(sample.file, sample.split) for sample in dataset.samples} == {
        ("train/a/1.png", ""), ("train/b/1.png", ""), ("test/a/1.png", "test"), ("test/b/1.png", "test"),
    }  # fmt: skip


def test_a_class_that_is_called_train_is_a_class(tmp_path: Path) -> None:
    for label in ("train", "bus"):
        save(tmp_path / label / "1.png", paint((1, 2, 3)))
    assert open_dataset(str(tmp_path)).labels == ("bus", "train")


def test_npz_in_mnist_layout(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    grey = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    np.savez(path, x_train=grey, y_train=np.array([0, 1, 1]), x_test=grey[:1], y_test=np.array([[1]]))
    dataset = open_dataset(str(path))
    assert dataset.labels == ("0", "1")
    assert [(each.file, each.label, each.split) for each in dataset.samples] == [
        ("x_train[0]", "0", ""),
        ("x_train[1]", "1", ""),
        ("x_train[2]", "1", ""),
        ("x_test[0]", "1", "test"),
    ]
    image = dataset.read("x_train[2]")
    assert image.shape == (4, 5, 3)
    np.testing.assert_array_equal(image[..., 1], grey[2])
    with pytest.raises(ImageError, match=r"there is no image x_train\[9\]"):
        dataset.read("x_train[9]")


def test_npz_with_names_for_its_classes(tmp_path: Path) -> None:
    images = np.zeros((2, 4, 4, 3), np.uint8)
    np.savez(tmp_path / "d.npz", x_train=images, y_train=np.array([1, 0]), labels=np.array(["Ä", "B"]))
    assert [each.label for each in open_dataset(str(tmp_path / "d.npz")).samples] == ["B", "Ä"]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros(1)}, "expected arrays named x_train"),
        ({"x_train": np.zeros((2, 4, 4)), "y_train": np.array([0, 1])}, "must be uint8"),
        ({"x_train": np.zeros((2, 4, 4), np.uint8)}, "must be 2 whole numbers, got nothing"),
        ({"x_train": np.zeros((2, 4, 4), np.uint8), "y_train": np.array([0])}, "must be 2 whole numbers"),
        ({"x_train": np.zeros((2, 4, 4), np.uint8), "y_train": np.array([0, -1])}, "outside of the labels"),
        ({"x_train": np.zeros((2, 4, 4), np.uint8), "y_train": np.array([1, 1])}, "two or more class"),
    ],
)
def test_npz_with_another_layout_is_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez(tmp_path / "d.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match=message):
        open_dataset(str(tmp_path / "d.npz"))


def test_npz_never_unpickles(tmp_path: Path) -> None:
    evil = np.array([{"a": 1}, {"b": 2}], dtype=object)
    np.savez(tmp_path / "d.npz", x_train=evil, y_train=np.array([0, 1]))
    with pytest.raises(DatasetError, match=r"cannot be read as \.npz"):
        open_dataset(str(tmp_path / "d.npz"))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "d.npz").read_bytes()[:100])
    with pytest.raises(DatasetError, match=r"cannot be read as \.npz"):
        open_dataset(str(tmp_path / "cut.npz"))


def test_folders_that_cannot_serve_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected a folder of class folders"):
        open_dataset(str(tmp_path / "nothing"))
    with pytest.raises(DatasetError, match="found 0"):
        open_dataset(str(tmp_path))
    save(tmp_path / "one" / "1.png", paint((1, 2, 3)))
    with pytest.raises(DatasetError, match="two or more class folders with images, found 1"):
        open_dataset(str(tmp_path))
    (tmp_path / "two").mkdir()
    with pytest.raises(DatasetError, match="no images in the class folder 'two'"):
        open_dataset(str(tmp_path))


def test_the_hash_is_of_pixels_and_shape() -> None:
    assert pixel_hash(paint((1, 2, 3), 4, 6)) == pixel_hash(paint((1, 2, 3), 4, 6))
    assert pixel_hash(paint((1, 2, 3), 4, 6)) != pixel_hash(paint((1, 2, 3), 6, 4))
    assert pixel_hash(paint((1, 2, 3), 4, 6)) != pixel_hash(paint((1, 2, 4), 4, 6))
