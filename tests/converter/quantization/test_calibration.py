import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.quantization import check_calibration, check_held_out, choose_samples, read_fitted
from converter.quantization.calibration import representative_dataset
from edge_runtime import DatasetError, ModelCard, Sample, encode_png, open_dataset
from edge_runtime.datasets import Run, pixel_hash
from tests.conftest import Command

SAMPLES = st.lists(st.tuples(st.sampled_from("abc"), st.integers()), min_size=3, max_size=60)
RANDOM = np.random.default_rng(0)
SMOOTH = np.stack([np.add.outer(np.arange(32), np.arange(32)) * 4] * 3, axis=-1).astype(np.uint8)
NOISE = RANDOM.integers(0, 255, (32, 32, 3)).astype(np.uint8)


@given(SAMPLES, st.integers(3, 70), st.randoms())
def test_images_are_shared_fairly(pairs: list[tuple[str, int]], count: int, random: Any) -> None:
    samples = [
        Sample(f"{number}.png", label, "train", str(digest)) for number, (label, digest) in enumerate(pairs)
    ]
    chosen = choose_samples(samples, count, seed=1)
    assert len(chosen) == len(set(chosen)) == min(count, len(samples))
    have, taken = Counter(each.label for each in samples), Counter(each.label for each in chosen)
    for label, number in taken.items():
        # A class gives less than another only when it has no more to give.
        assert number == have[label] or number >= max(taken.values()) - 1
    random.shuffle(samples)
    assert choose_samples(samples, count, seed=1) == chosen


def test_every_class_needs_an_image() -> None:
    samples = [Sample("1.png", "a"), Sample("2.png", "b"), Sample("3.png", "c")]
    with pytest.raises(DatasetError, match="2 calibration images are fewer than the 3 classes"):
        choose_samples(samples, 2, seed=1)


def test_an_image_that_is_gone_is_named(color_folder: Path) -> None:
    dataset = open_dataset(str(color_folder))
    card = ModelCard(labels=dataset.labels, image_size=(8, 8))
    assert len(read_fitted(card, dataset, dataset.samples)) == 36
    (color_folder / "red" / "3.png").unlink()
    with pytest.raises(DatasetError, match=r"can no longer be read: .*red/3\.png"):
        read_fitted(card, dataset, dataset.samples)


def test_both_ends_of_the_range_are_covered() -> None:
    grey = [np.full((4, 4, 3), 100, np.uint8)] * 2
    first, second = (each[0] for each in representative_dataset(grey, (-1.0, 1.0)))
    assert (first.min(), first.max()) == (-1.0, 1.0)
    assert first.shape == (1, 4, 4, 3)
    np.testing.assert_allclose(second, 100 / 127.5 - 1, rtol=1e-6)


def test_useful_images_are_taken_and_useless_ones_refused_with_the_numbers() -> None:
    check_calibration([SMOOTH] * 10)
    check_calibration([SMOOTH] * 18 + [np.full_like(SMOOTH, 9), NOISE])
    with pytest.raises(DatasetError, match="3 of 10 calibration images are constant, at most 10% may be"):
        check_calibration([SMOOTH] * 7 + [np.full_like(SMOOTH, 9)] * 3)
    with pytest.raises(DatasetError, match="2 of 10 calibration images are noise"):
        check_calibration([SMOOTH] * 8 + [NOISE] * 2)
    with pytest.raises(DatasetError, match="span pixel values 0 to 1, the model takes 0 to 255"):
        check_calibration([SMOOTH // 128] * 10)
    with pytest.raises(DatasetError, match="there are no images"):
        check_calibration([])


@pytest.mark.slow
def test_a_folder_of_ones_own_is_recorded_or_refused(
    command: Command, digits_run: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}.png").write_bytes(encode_png(SMOOTH + np.uint8(number)))
    out = tmp_path / "m.tflite"
    # Such images are nothing like digits: the gate may refuse the model, the record is there either way.
    done = command("edge-convert", digits_run, "--calibration", folder, "--out", out)
    assert done.code in (0, 9), done.err
    assert '"file": "19.png"' in out.with_suffix(".conversion.json").read_text()
    for number in range(10):
        (folder / f"noise{number}.png").write_bytes(
            encode_png(RANDOM.integers(0, 255, (32, 32, 3), np.uint8))
        )
    command("edge-convert", digits_run, "--calibration", folder, "--out", out).fails_with(
        5, "10 of 30", "noise"
    )
    (tmp_path / "classes" / "0").mkdir(parents=True)
    (tmp_path / "classes" / "1").mkdir()
    for label in "01":
        (tmp_path / "classes" / label / "1.png").write_bytes(encode_png(SMOOTH))
    done = command("edge-convert", digits_run, "--calibration", tmp_path / "classes", "--out", out)
    done.fails_with(5, "no calibration image of the class '2'", "8 missing")


def test_a_held_out_image_that_was_replaced_by_a_training_one_is_refused(color_folder: Path) -> None:
    dataset = open_dataset(str(color_folder))
    samples = tuple(
        dataclasses.replace(
            each,
            split="validation" if each.file.endswith("/1.png") else "train",
            hash=pixel_hash(dataset.read(each.file)),
        )
        for each in dataset.samples
    )
    card = ModelCard(labels=dataset.labels, image_size=(32, 32))
    run = Run(color_folder, card, samples, str(color_folder))
    told: list[int] = []
    check_held_out(run, dataset, lambda done, _total: told.append(done))
    assert told == [1, 2, 3]
    (color_folder / "red" / "1.png").write_bytes((color_folder / "red" / "7.png").read_bytes())
    with pytest.raises(DatasetError, match=r"red/1\.png was held out, and now has the same"):
        check_held_out(run, dataset)
