"""Check, split and batches."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime import DatasetError, Resize, Sample, fit, open_dataset, read_image
from edge_runtime.datasets.scan import scan_dataset
from tests.conftest import COLORS, paint, save
from trainer.data.batches import ImageLoader, make_batches
from trainer.data.splitting import count_splits, split_samples


def test_the_check_names_bad_images_and_goes_on(color_folder: Path) -> None:
    (color_folder / "red" / "broken.png").write_bytes(b"broken")
    (color_folder / "blue" / "empty.jpg").touch()
    ticks: list[tuple[int, int]] = []
    scan = scan_dataset(open_dataset(str(color_folder)), tick=lambda *tick: ticks.append(tick))
    assert len(scan.samples) == 36
    assert all(len(sample.hash) == 64 for sample in scan.samples)
    assert len(scan.unreadable) == 2
    assert scan.contradictions == ()
    assert ticks[-1] == (38, 38)
    with pytest.raises(DatasetError, match="2 files cannot be read as images and --strict"):
        scan_dataset(open_dataset(str(color_folder)), strict=True)


def test_the_check_names_files_that_are_no_images(color_folder: Path) -> None:
    (color_folder / "red" / "phone.heic").write_bytes(b"image of another kind")
    (color_folder / "red" / ".hidden").touch()
    scan = scan_dataset(open_dataset(str(color_folder)))
    assert len(scan.samples) == 36
    assert len(scan.unreadable) == 1
    assert "red/phone.heic: not a supported image format (.bmp " in scan.unreadable[0]
    with pytest.raises(DatasetError, match=r"1 files cannot be read .* first: red/phone\.heic"):
        scan_dataset(open_dataset(str(color_folder)), strict=True)


def test_the_check_names_one_image_under_two_labels(color_folder: Path) -> None:
    (color_folder / "blue" / "copy.png").write_bytes((color_folder / "red" / "0.png").read_bytes())
    problems = scan_dataset(open_dataset(str(color_folder))).contradictions
    assert len(problems) == 1
    assert "red/0.png (red)" in problems[0]
    assert "blue/copy.png (blue)" in problems[0]


def test_a_class_with_no_readable_image_is_an_error(color_folder: Path) -> None:
    for path in (color_folder / "green").iterdir():
        path.write_bytes(b"broken")
    with pytest.raises(DatasetError, match="no image of the class 'green' can be read"):
        scan_dataset(open_dataset(str(color_folder)))


SAMPLES = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 60)).map(lambda pair: (pair[0], f"{pair[0]}{pair[1]}")),
    min_size=30,
    max_size=200,
)


@given(SAMPLES, st.integers(0, 5), st.randoms())
def test_equal_images_never_fall_on_different_sides(
    pairs: list[tuple[str, str]], seed: int, random: object
) -> None:
    samples = [Sample(f"{number}.png", label, hash=digest) for number, (label, digest) in enumerate(pairs)]
    split = split_samples(tuple(samples), validation=0.2, test=0.1, seed=seed)
    assert [each.file for each in split] == [each.file for each in samples]
    sides: dict[str, set[str]] = {}
    for sample in split:
        sides.setdefault(sample.hash, set()).add(sample.split)
    assert all(len(side) == 1 for side in sides.values())
    random.shuffle(samples)  # type: ignore[attr-defined]
    assert set(split_samples(tuple(samples), validation=0.2, test=0.1, seed=seed)) == set(split)


def test_every_class_gives_its_share() -> None:
    samples = tuple(Sample(f"{label}{n}", label, hash=f"{label}{n}") for label in "ab" for n in range(100))
    split = split_samples(samples, validation=0.2, test=0.1, seed=1)
    counts = Counter((sample.label, sample.split) for sample in split)
    assert counts == {
        (label, side): count
        for label in "ab"
        for side, count in (("train", 70), ("validation", 20), ("test", 10))
    }
    assert split != split_samples(samples, validation=0.2, test=0.1, seed=2)


def test_a_test_part_that_the_data_brings_is_kept_and_cleaned_out_of_training() -> None:
    train = [Sample(f"x_train[{n}]", "a", hash=str(n)) for n in range(50)]
    test = [Sample(f"x_test[{n}]", "a", split="test", hash=str(n + 45)) for n in range(10)]
    split = split_samples((*train, *test), validation=0.2, test=0.3, seed=1)
    assert count_splits(split) == {"train": 36, "validation": 9, "rejection": 0, "test": 10}
    assert not {each.hash for each in split if each.split == "train"} & {each.hash for each in test}


def test_batches_hold_what_the_device_would_see(color_folder: Path) -> None:
    dataset = open_dataset(str(color_folder))
    batches = make_batches(
        ImageLoader(dataset, (32, 24), Resize.FIT_LONGEST), dataset.samples, dataset.labels, 10
    )
    seen = list(batches)
    assert [len(targets) for _images, targets in seen] == [10, 10, 10, 6]
    images = np.concatenate([images for images, _targets in seen])
    targets = np.concatenate([targets for _images, targets in seen])
    for sample, image, target in zip(dataset.samples, images, targets, strict=True):
        np.testing.assert_array_equal(
            image, fit(read_image(color_folder / sample.file, at_least=0), (32, 24), Resize.FIT_LONGEST)
        )
        assert dataset.labels[target] == sample.label


def test_shuffled_batches_hold_every_image_once_in_a_seeded_order(color_folder: Path) -> None:
    dataset = open_dataset(str(color_folder))
    batches = make_batches(ImageLoader(dataset, (8, 8), Resize.SQUASH), dataset.samples, dataset.labels, 8)

    def order(seed: int) -> list[bytes]:
        return [image.tobytes() for images, _targets in batches.shuffled(seed) for image in images]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert sorted(order(1)) == sorted(order(2))
    assert len(order(1)) == 36


def test_an_image_that_vanishes_is_named(color_folder: Path) -> None:
    dataset = open_dataset(str(color_folder))
    batches = make_batches(ImageLoader(dataset, (8, 8), Resize.SQUASH), dataset.samples, dataset.labels, 8)
    (color_folder / "red" / "3.png").unlink()
    with pytest.raises(DatasetError, match=r"can no longer be read: .*red/3\.png"):
        list(batches)


def test_colors_are_what_they_were_called(color_folder: Path) -> None:
    assert set(open_dataset(str(color_folder)).labels) == set(COLORS)
    assert read_image(save(color_folder / "x.png", paint(COLORS["red"])), at_least=0)[0, 0].tolist() == [
        255,
        0,
        0,
    ]
