"""Corruptions of images, and their accuracies in a report."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.corruption import STRENGTHS, Corruption, choose_images, corrupt
from edge_runtime.core import Resize
from tests.commands import Command
from tests.conftest import Shared
from tests.edge_runtime.images.test_perceptual_hash import scene

PHOTO = np.clip(
    scene(3, 224, 224) + np.random.default_rng(0).integers(-30, 30, (224, 224, 3)), 0, 255
).astype(np.uint8)


def difference(kind: Corruption, strength: int) -> float:
    return float(np.abs(corrupt(PHOTO, kind, strength, 5).astype(int) - PHOTO).mean())


@pytest.mark.parametrize("kind", Corruption)
def test_a_stronger_corruption_changes_more(kind: Corruption) -> None:
    found = [difference(kind, strength) for strength in range(1, STRENGTHS + 1)]
    assert found == sorted(found)
    assert found[0] > 0.1
    assert found[-1] > 1.1 * found[0]


@given(st.sampled_from(Corruption), st.integers(1, STRENGTHS), st.integers(0, 1000), st.integers(8, 60))
def test_the_same_seed_gives_the_same_image_of_the_same_shape(
    kind: Corruption, strength: int, seed: int, side: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (side, side + 3, 3), np.uint8)
    once, again = (corrupt(image, kind, strength, seed) for _ in range(2))
    assert once.dtype == np.uint8
    assert once.shape == image.shape
    assert np.array_equal(once, again)


def test_noise_and_directions_depend_on_the_seed() -> None:
    for kind in (Corruption.NOISE, Corruption.SHIFT):
        assert not np.array_equal(corrupt(PHOTO, kind, 3, 1), corrupt(PHOTO, kind, 3, 2))


def test_the_names_are_what_is_done() -> None:
    assert corrupt(PHOTO, Corruption.DARK, 5, 0).mean() < 0.2 * PHOTO.mean()
    assert corrupt(PHOTO, Corruption.BRIGHT, 5, 0).mean() > PHOTO.mean() + 50
    assert corrupt(PHOTO, Corruption.BLUR, 5, 0).std() < PHOTO.std()


def test_at_most_200_images_are_corrupted_spread_over_all() -> None:
    chosen = choose_images(
        lambda position: np.full((8, 8, 3), position % 256, np.uint8), range(1000), (8, 8), Resize.SQUASH
    )
    assert len(chosen.images) == len(chosen.targets) == 200
    assert chosen.targets[0] == 0
    assert chosen.targets[-1] == 999
    assert len(list(chosen.cases())) == len(Corruption) * STRENGTHS


@pytest.fixture(scope="session")
def corrupted_report(command: Command, few_run: Path, frigate_folder: Path, shared: Shared) -> Path:
    """The report of a run that held no image out, and was trained on these images."""

    def measure(folder: Path) -> None:
        options = ("--corruptions", "--num-runs", 10, "--min-seconds", 0, "--processes", 1)
        model = frigate_folder / "model.tflite"
        done = command("edge-bench", "run", few_run, model, *options, "--out", folder / "report")
        assert done.code == 0, done.err

    return shared("corrupted", measure) / "report"


@pytest.mark.extra
def test_the_report_has_the_accuracy_of_every_target_under_every_corruption(corrupted_report: Path) -> None:
    report = json.loads((corrupted_report / "report.json").read_text())
    assert report["corrupted"] == report["images"] == 24
    for target in report["targets"]:
        found = {(each["kind"], each["strength"]): each["accuracy"] for each in target["corruptions"]}
        assert list(found) == [(kind, strength) for kind in Corruption for strength in range(1, 6)]
        values = [each["value"] for each in found.values()]
        assert all(0 <= value <= 1 for value in values)
        assert np.mean(values) < target["accuracy"]["top1"]["value"]
    keras, int8 = (
        np.array([c["accuracy"]["value"] for c in report["targets"][at]["corruptions"]]) for at in (0, -1)
    )
    assert np.abs(keras - int8).mean() < 0.05, "both see the same images"
    assert "images corrupted in five strengths" in (corrupted_report / "report.md").read_text()
    page = (corrupted_report / "report.html").read_text()
    assert "Corrupted images" in page
    assert "Accuracy against the strength" in page


@pytest.mark.extra
def test_images_that_were_trained_on_are_named_as_such(corrupted_report: Path) -> None:
    report = json.loads((corrupted_report / "report.json").read_text())
    assert report["split"] == "train"
    assert "trained on these 24 images" in (corrupted_report / "report.html").read_text()
    assert "trained on these 24 images" in (corrupted_report / "report.md").read_text()
