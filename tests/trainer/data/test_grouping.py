"""Images of one burst, folder or name stay in one split."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.core import Reporter, UsageError
from edge_runtime.datasets import Dataset, Sample, open_dataset, scan_dataset
from edge_runtime.images import decode_image, encode_jpeg
from tests.edge_runtime.images.test_perceptual_hash import scene
from tests.images import save
from trainer.config import TrainConfig
from trainer.data import prepare_data, split_samples
from trainer.data.grouping import group_samples

COPIES = 3


@pytest.fixture
def bursts(tmp_path: Path) -> Path:
    """Two classes of ten scenes, each of them four times: as it is, encoded, cropped, brightened."""
    for number in range(20):
        image = scene(number)
        label = "a" if number < 10 else "b"
        cropped = np.ascontiguousarray(image[5:-7, 9:-7])
        brighter = np.clip(image * 1.2, 0, 255).astype(np.uint8)
        encoded = decode_image(encode_jpeg(image, 30), at_least=0)
        for copy, each in enumerate((image, encoded, cropped, brighter)):
            save(tmp_path / "data" / label / f"visit{number}-{copy}.png", each)
    return tmp_path / "data"


def grouped(folder: Path, group_by: str) -> tuple[Sample, ...]:
    dataset: Dataset = open_dataset(str(folder))
    scan = scan_dataset(dataset, looks=True)
    with Reporter() as reporter:
        return group_samples(dataset, scan.samples, scan.looks, group_by, reporter)


def scenes_of(samples: tuple[Sample, ...]) -> dict[str, set[str]]:
    """Group → the scenes in it."""
    found: dict[str, set[str]] = {}
    for sample in samples:
        found.setdefault(sample.group, set()).add(Path(sample.file).name.split("-")[0])
    return found


def test_a_burst_is_found_whatever_was_done_to_its_images(bursts: Path) -> None:
    found = scenes_of(grouped(bursts, "burst"))
    assert "" not in found
    assert len(found) == 20
    assert all(len(scenes) == 1 for scenes in found.values())


def test_no_burst_is_in_two_splits(bursts: Path) -> None:
    for seed in range(5):
        config = TrainConfig(data=str(bursts), test_split=0.2, seed=seed, weights="none")
        with Reporter() as reporter:
            data = prepare_data(config, reporter)
        splits: dict[str, set[str]] = {}
        for sample in data.samples:
            splits.setdefault(sample.group, set()).add(sample.split)
        assert all(len(each) == 1 for each in splits.values())
        assert {split for each in splits.values() for split in each} == {"train", "validation", "test"}


def test_groups_by_a_regular_expression_by_folder_and_none(bursts: Path) -> None:
    assert len(scenes_of(grouped(bursts, r"visit(\d+)"))) == 20
    assert len(scenes_of(grouped(bursts, r"visit\d"))) == 10, "visit1 begins visit10 to visit19 too"
    assert set(scenes_of(grouped(bursts, "none"))) == {""}
    assert set(scenes_of(grouped(bursts, "folder"))) == {""}, "directly in the class folder"
    with pytest.raises(UsageError, match=r"'never' matches no file, such as 'a/visit0-0\.png'"):
        grouped(bursts, "never")
    with pytest.raises(UsageError, match="not a regular expression"):
        TrainConfig(data=str(bursts), group_by="(")


def test_folders_inside_of_a_class_are_groups(tmp_path: Path) -> None:
    for number in range(6):
        save(tmp_path / "d" / ("a", "b")[number % 2] / f"video{number // 2}" / "1.png", scene(number))
    assert set(scenes_of(grouped(tmp_path / "d", "folder"))) == {
        f"{label}/video{number}" for label in "ab" for number in range(3)
    }


def test_small_images_are_not_compared(tmp_path: Path) -> None:
    for number in range(8):
        save(tmp_path / "d" / "ab"[number % 2] / f"{number}.png", scene(number // 2, 40, 40))
    samples = grouped(tmp_path / "d", "burst")
    assert {sample.group for sample in samples} == {""}


PICKED = st.sampled_from(["", "", "test"])
EARLIER = st.sampled_from(["train", "validation", "rejection", "test"])
UNITS = st.lists(
    st.tuples(
        st.sampled_from("ab"), st.integers(0, 12), st.integers(0, 5), st.sampled_from(["", "", "test"])
    ),
    min_size=1,
    max_size=40,
)


@given(UNITS, st.integers(0, 3))
def test_what_belongs_together_is_never_divided(drawn: list[tuple[str, int, int, str]], seed: int) -> None:
    samples = tuple(
        Sample(f"{number}.png", label, split, f"h{digest}", f"g{group}" if group else "")
        for number, (label, digest, group, split) in enumerate(drawn)
    )
    divided = split_samples(samples, validation=0.3, test=0.2, seed=seed)
    for key in ("hash", "group"):
        splits: dict[str, set[str]] = {}
        for sample in divided:
            if getattr(sample, key):
                splits.setdefault(getattr(sample, key), set()).add(sample.split)
        assert all(len(each) == 1 for each in splits.values())
    assert {each.file for each in samples if each.split} <= {each.file for each in divided}


@given(
    UNITS, st.dictionaries(st.integers(0, 12), st.sampled_from(["train", "validation", "rejection", "test"]))
)
def test_images_of_an_earlier_run_keep_their_split(
    drawn: list[tuple[str, int, int, str]], earlier: dict[int, str]
) -> None:
    samples = tuple(
        Sample(f"{number}.png", label, "", f"h{digest}", f"g{group}" if group else "")
        for number, (label, digest, group, _split) in enumerate(drawn)
    )
    kept = {f"h{digest}": split for digest, split in earlier.items()}
    divided = split_samples(samples, validation=0.3, test=0.2, seed=1, kept=kept)
    assert len(divided) == len(samples)
    for sample in divided:
        if sample.hash in kept:
            assert sample.split == kept[sample.hash].replace("rejection", "validation")
