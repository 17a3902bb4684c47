"""A training as a user runs it, and the run it leaves."""

import csv
import json
from pathlib import Path

import pytest

from edge_runtime import ModelCard, decode_image
from edge_runtime.core.options import build_config, read_options
from edge_runtime.datasets import parse_split
from tests.conftest import ROOT, Command, paint, save
from trainer import TrainConfig

pytestmark = pytest.mark.slow

SMALL = ("--weights", "none", "--alpha", 0.35, "--image-size", 32, "--scratch-epochs", 1, "--batch-size", 8)


def read_history(run: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((run / "history.csv").read_text().splitlines()))


@pytest.mark.extra
def test_the_demo_learns_the_digits(demo_run: Path) -> None:
    metrics = json.loads((demo_run / "metrics.json").read_text())
    assert metrics["test"]["accuracy"] >= 0.95
    assert abs(metrics["train"]["accuracy"] - metrics["test"]["accuracy"]) < 0.05


def test_digits_from_scratch_are_learned(digits_run: Path) -> None:
    """In a quarter of the demo's epochs."""
    metrics = json.loads((digits_run / "metrics.json").read_text())
    assert metrics["test"]["count"] == 269
    assert metrics["test"]["accuracy"] >= 0.9
    assert abs(metrics["train"]["accuracy"] - metrics["test"]["accuracy"]) < 0.05
    history = read_history(digits_run)
    assert all(float(row["seconds"]) > 0 for row in history)
    assert [int(row["epoch"]) for row in history] == list(range(1, len(history) + 1))
    best = max(float(row["val_accuracy"]) for row in history)
    assert metrics["validation"]["accuracy"] == pytest.approx(best, abs=1e-6)


def test_the_run_is_complete(digits_run: Path) -> None:
    names = {path.name for path in digits_run.iterdir()}
    images = {"augmentation.png", "confusion_matrix.png", "curves.png", "mistakes.png", "rejection.png"}
    files = {"model.keras", "card.json", "config.toml", "history.csv", "metrics.json", "split.csv"}
    files |= {"rejection.json"}
    assert names == images | files | {"checkpoints", "examples", "report.html"}
    for name in images:
        assert decode_image((digits_run / name).read_bytes(), at_least=0).std() > 10
    assert len(list((digits_run / "examples").glob("*.png"))) == 10


def test_every_kind_of_synthetic_unknown_has_been_told_from_the_classes(digits_run: Path) -> None:
    judged = json.loads((digits_run / "rejection.json").read_text())
    kinds = {"uniform", "noise", "texture", "defocused", "scrambled", "black", "white"}
    assert judged.keys() == kinds
    assert [judged[kind]["accepted"] for kind in ("black", "white")] == [0, 0]
    assert judged["uniform"]["accepted"] <= 0.15, "of frames of any color: some of 60 may look like a digit"


def test_the_card_tells_how_to_use_the_model(digits_run: Path) -> None:
    card = ModelCard.from_json((digits_run / "card.json").read_text())
    assert card.labels == (*"0123456789", "unknown")
    assert card.classes == tuple("0123456789")
    assert card.image_size == (32, 32)
    assert (card.architecture, card.alpha, card.seed) == ("MobileNetV2", 0.35, 42)
    assert len(card.data_fingerprint) == 64
    assert {"tensorflow", "keras", "numpy", "python"} <= card.versions.keys()
    metrics = json.loads((digits_run / "metrics.json").read_text())
    for split, values in card.metrics.items():
        assert values.items() <= metrics[split].items()
        assert values.keys() >= {"accuracy", "loss", "count", "expected_calibration_error", "kept"}
    assert len(card.golden) == 4
    samples = parse_split((digits_run / "split.csv").read_bytes())
    assert len(samples) == 1797


def test_config_toml_repeats_the_recipe(digits_run: Path) -> None:
    written, recipe = (
        build_config(TrainConfig, read_options(path, TrainConfig, "edge-train"), "edge-train")
        for path in (digits_run / "config.toml", ROOT / "recipes" / "digits.toml")
    )
    assert written.out == digits_run
    # Whether an earlier run may be replaced is no part of a training: it could not be resumed.
    given = {"out": None, "scratch_epochs": None, "cutout": None, "overwrite": False}
    assert {**vars(written), **given} == {**vars(recipe), **given}


@pytest.mark.extra
@pytest.mark.assets
def test_photos_with_pretrained_weights_reach_ninety_percent(
    command: Command, assets: Path, tmp_path: Path
) -> None:
    weights = ("--weights", assets / "mobilenet_v2_0.35_no_top.weights.h5", "--alpha", 0.35)
    done = command("edge-train", assets / "alpaca", *weights, "--image-size", 160, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["validation"]["accuracy"] >= 0.90
    history = read_history(tmp_path / "run")
    phases = [row["phase"] for row in history]
    assert phases == ["head"] * phases.count("head") + ["fine-tune"] * 10
    assert 20 < phases.count("head") <= 40
    # One of 65 photos is 1.5 points.
    converted = command("edge-convert", tmp_path / "run", "--out", tmp_path / "m.tflite", "--max-drop", 0.05)
    assert converted.code == 0, converted.err
    tested = command("edge-classify", "-m", tmp_path / "m.tflite", "--self-test")
    assert tested.code == 0, tested.out


def test_bad_images_are_named_and_skipped(command: Command, color_folder: Path, tmp_path: Path) -> None:
    (color_folder / "red" / "broken.png").write_bytes(b"broken")
    done = command("edge-train", color_folder, *SMALL, "--out", tmp_path / "run")
    assert done.code == 0, done.err
    assert "skipped: " in done.err
    assert "broken.png" in done.err
    strict = command("edge-train", color_folder, *SMALL, "--out", tmp_path / "strict", "--strict")
    strict.fails_with(5, "broken.png", "--strict")
    again = command("edge-train", color_folder, *SMALL, "--out", tmp_path / "run")
    again.fails_with(6, "contains a run already", "--overwrite")


def test_the_check_comes_before_tensorflow(command: Command, color_folder: Path, tmp_path: Path) -> None:
    for name in ("tensorflow", "keras"):
        (tmp_path / "blocked").mkdir(exist_ok=True)
        (tmp_path / "blocked" / f"{name}.py").write_text("raise SystemExit(99)")
    (color_folder / "red" / "broken.png").write_bytes(b"broken")
    arguments = ("edge-train", color_folder, *SMALL, "--out", tmp_path / "run")
    blocked = str(tmp_path / "blocked")
    assert command(*arguments, PYTHONPATH=blocked).code == 99
    command(*arguments, "--strict", PYTHONPATH=blocked).fails_with(5, "broken.png", "--strict")


def test_bad_data_is_one_line(command: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    command("edge-train", tmp_path / "empty", "--out", tmp_path / "run").fails_with(
        5, "two or more class folders"
    )
    command("edge-train", tmp_path / "none", "--out", tmp_path / "run").fails_with(5, "expected a folder")
    for label in ("a", "b"):
        save(tmp_path / "few" / label / "1.png", paint((1, 2, ord(label))))
    command("edge-train", tmp_path / "few", *SMALL, "--out", tmp_path / "run").fails_with(
        5, "2 train", "0 validation"
    )
    assert not (tmp_path / "run" / "model.keras").exists()


def test_wrong_usage_is_one_line(command: Command, tmp_path: Path) -> None:
    command("edge-train").fails_with(2, "name the data")
    command("edge-train", "digits", "--alpha", "wide").fails_with(2, "--alpha")
    command("edge-train", "digits", "--image-size", 8).fails_with(2, "--image-size must be 32 to 1024")
    command("edge-train", "--config", tmp_path / "none.toml").fails_with(2, "none.toml")
    command("edge-train", "digits", "--out", "/proc/run").fails_with(6, "/proc/run")
