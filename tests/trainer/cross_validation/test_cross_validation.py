"""`edge-train` with few photos: all of them train, and cross-validation chooses."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands import Command
from tests.images import paint, save


@pytest.fixture(scope="module")
def choice(few_run: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((few_run / "cross_validation.json").read_text())
    return content


def test_all_images_train(few_run: Path) -> None:
    splits = [row["split"] for row in csv.DictReader((few_run / "split.csv").read_text().splitlines())]
    assert splits == ["train"] * 24


def test_what_was_chosen_is_told_and_recorded(few_run: Path, choice: dict[str, Any]) -> None:
    assert choice["folds"] == 3
    assert choice["images"] == 24
    assert choice["fine_tunes"] == (choice["gain"] > choice["gain_error"])
    messages = (few_run.parent / "err").read_text()
    assert "few images: all are trained on" in messages
    assert ("so fine-tuned" if choice["fine_tunes"] else "so not fine-tuned") in messages
    metrics = json.loads((few_run / "metrics.json").read_text())
    assert list(metrics) == ["train", "cross-validation"]
    used = choice["fine_tuned" if choice["fine_tunes"] else "head"]
    assert metrics["cross-validation"]["accuracy"] == pytest.approx(used["accuracy"])
    assert metrics["cross-validation"]["loss"] == pytest.approx(used["loss"], abs=1e-3)
    assert metrics["train"]["accuracy"] >= metrics["cross-validation"]["accuracy"]
    assert "No image was held out to choose by" in (few_run / "report.html").read_text()


def test_the_history_has_the_figures_out_of_fold(few_run: Path, choice: dict[str, Any]) -> None:
    history = list(csv.DictReader((few_run / "history.csv").read_text().splitlines()))
    assert [row["phase"] for row in history] == ["head"] + ["fine-tune"] * choice["fine_tunes"]
    assert [int(row["epoch"]) for row in history] == list(range(1, len(history) + 1))
    assert float(history[0]["val_accuracy"]) == pytest.approx(choice["head"]["accuracy"])


def test_a_model_that_is_not_fine_tuned_has_the_pretrained_base(
    few_run: Path, assets: Path, choice: dict[str, Any]
) -> None:
    import keras

    base = keras.applications.MobileNetV2(
        input_shape=(224, 224, 3), alpha=0.35, include_top=False, pooling="avg", weights=None
    )
    base.load_weights(assets / "mobilenet_v2_0.35_no_top.weights.h5")
    model = keras.models.load_model(few_run / "model.keras")
    (trained,) = [layer for layer in model.layers if layer.name == base.name or hasattr(layer, "layers")][:1]
    same = all(
        np.array_equal(ours, theirs)
        for ours, theirs in zip(trained.get_weights(), base.get_weights(), strict=True)
    )
    assert same is not choice["fine_tunes"]


@pytest.mark.extra
def test_the_same_seed_chooses_the_same_and_an_interrupted_training_starts_again(
    command: Command, assets: Path, few_photos: Path, tmp_path: Path
) -> None:
    weights = assets / "mobilenet_v2_0.35_no_top.weights.h5"
    options = ("--weights", weights, "--alpha", 0.35, "--image-size", 96, "--fine-tune-epochs", 0)
    found = []
    for name in ("a", "b"):
        done = command("edge-train", few_photos, *options, "--deterministic", "--out", tmp_path / name)
        assert done.code == 0, done.err
        found.append(chosen(tmp_path / name))
    assert found[0] == found[1]
    again = command("edge-train", "--resume", "--out", tmp_path / "a")
    assert again.code == 0, again.err
    assert "nothing to resume" in again.err
    (tmp_path / "b" / "model.keras").unlink()
    assert command("edge-train", "--resume", "--out", tmp_path / "b").code == 0
    assert chosen(tmp_path / "b") == found[0]


def chosen(run: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "cross_validation.json").read_text())
    return {name: value for name, value in content.items() if name != "seconds"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--weights", "none"), "--weights none"),
        (("--head-units", 8), "--head-units"),
        (("--reject", "on"), "--reject on"),
        (("--label-smoothing", 0.1), "--label-smoothing"),
        (("--no-cache-features",), "--no-cache-features"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_does_not_go_together_is_refused(
    command: Command, color_folder: Path, tmp_path: Path, options: tuple[object, ...], words: str
) -> None:
    done = command("edge-train", color_folder, "--cross-validate", "on", *options, "--out", tmp_path / "run")
    done.fails_with(2, "--cross-validate on", words)
    assert not (tmp_path / "run").exists()


def test_validation_images_of_ones_own_are_not_trained_on(command: Command, tmp_path: Path) -> None:
    for split in ("train", "val"):
        for number, color in enumerate(((255, 0, 0), (0, 0, 255))):
            for shade in range(3):
                dimmed = tuple(np.array(color) - 20 * shade * (np.array(color) > 0))
                save(tmp_path / "data" / split / str(number) / f"{split}{shade}.png", paint(dimmed, 40, 40))
    done = command("edge-train", tmp_path / "data", "--cross-validate", "on", "--out", tmp_path / "run")
    done.fails_at_last_with(5, "validation images of its own")


def test_a_class_of_one_image_cannot_be_cross_validated(command: Command, tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / "data" / "a" / f"{number}.png", paint((200, 10 * number, 0), 40, 40))
    save(tmp_path / "data" / "b" / "1.png", paint((0, 0, 200), 40, 40))
    done = command("edge-train", tmp_path / "data", "--cross-validate", "on", "--out", tmp_path / "run")
    done.fails_at_last_with(5, "a class has a single image")
