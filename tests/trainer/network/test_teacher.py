"""`edge-train --teacher`: what the teacher says of an image, and which teachers are refused."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.core import Resize, UsageError
from edge_runtime.datasets import read_run
from tests.commands import Command
from tests.conftest import ROOT
from trainer.config import TrainConfig
from trainer.network import build_forward, build_network, check_teacher, load_teacher
from trainer.network.teacher import join_scores

DIGITS = tuple("0123456789")


def config_of(run: Path, image_size: int = 32) -> TrainConfig:
    return dataclasses.replace(TrainConfig.from_run(read_run(run)), image_size=image_size)


def enlarged(pixels: np.ndarray) -> np.ndarray:
    return pixels.repeat(2, axis=1).repeat(2, axis=2)


def test_its_scores_are_those_of_its_run_in_the_order_of_the_labels(digits_run: Path) -> None:
    run = read_run(digits_run)
    labels = DIGITS[::-1]
    same, larger = (load_teacher(run, config_of(digits_run, size), labels) for size in (32, 64))
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.float32)
    network = build_network(config_of(digits_run), 10)
    network.model.load_weights(run.files.best_weights)
    expected = build_forward(network.model)(pixels)
    np.testing.assert_allclose(build_forward(same.model)(pixels)[:, ::-1], expected, atol=1e-5)
    # Two by two equal pixels are one pixel again.
    np.testing.assert_allclose(build_forward(larger.model)(enlarged(pixels))[:, ::-1], expected, atol=1e-3)
    assert not same.model.trainable_weights


def test_its_scores_follow_the_features_of_the_same_pixels(digits_run: Path) -> None:
    config = config_of(digits_run)
    teacher, network = load_teacher(read_run(digits_run), config, DIGITS), build_network(config, 10)
    pixels = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype(np.float32)
    joined = build_forward(join_scores(network.features, teacher))(pixels)
    np.testing.assert_allclose(joined[:, :-10], build_forward(network.features)(pixels), atol=1e-5)
    np.testing.assert_allclose(joined[:, -10:], build_forward(teacher.model)(pixels), atol=1e-5)


def test_a_teacher_of_other_classes_or_of_other_parts_of_images_is_refused(digits_run: Path) -> None:
    run, config = read_run(digits_run), config_of(digits_run)
    with pytest.raises(UsageError, match=r"tells 0, 1, .* apart, the data has cat, dog: train a teacher"):
        check_teacher(run, config, ("cat", "dog"))
    other = dataclasses.replace(config, resize=Resize.FIT_LONGEST)
    with pytest.raises(UsageError, match=f"--resize {config.resize}, now it is fit-longest"):
        check_teacher(run, other, DIGITS)
    check_teacher(run, config, DIGITS[::-1])
    trained = tuple(dataclasses.replace(sample, split="train") for sample in run.samples)
    with pytest.raises(UsageError, match=r"trained on all images, .* --cross-validate off"):
        check_teacher(dataclasses.replace(run, samples=trained), config, DIGITS)


@pytest.mark.slow
def test_a_refused_teacher_costs_no_earlier_run(
    command: Command, digits_run: Path, color_folder: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(digits_run, tmp_path / "run")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    options = ("--weights", "none", "--image-size", 32, "--cross-validate", "off")
    done = command("edge-train", color_folder, *options, "--teacher", digits_run, "--out", run, "--overwrite")
    done.fails_at_last_with(2, "--teacher", "the data has blue, green, red")
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_wrong_arguments_are_one_line(command: Command, digits_run: Path, tmp_path: Path) -> None:
    command("edge-train", tmp_path, "--teacher", tmp_path / "none").fails_with(3, "not a complete run")
    command("edge-train", "digits", "--teacher", digits_run, "--out", digits_run).fails_with(
        2, "--teacher and --out are both"
    )
    command("edge-train", "digits", "--ema", 0.9, "--distribute", "mirrored").fails_with(2, "--ema averages")


@pytest.mark.extra
def test_a_network_learns_from_a_larger_one_with_its_split(
    command: Command, digits_run: Path, tmp_path: Path
) -> None:
    options = ("--config", ROOT / "recipes" / "digits.toml", "--image-size", 32, "--alpha", 0.1)
    run, seed = tmp_path / "run", 7
    done = command(
        *("edge-train", *options, "--teacher", digits_run, "--teacher-weight", 0.9, "--seed", seed),
        *("--scratch-epochs", 1, "--ema", 0.5, "--mixup", 0.2, "--out", run),
    )
    assert done.code == 0, done.err
    # The same network, which has trained for longer.
    metrics = json.loads((digits_run / "metrics.json").read_text())
    assert f"the teacher has validation accuracy {metrics['validation']['accuracy']:.4f}" in done.err
    assert "the teacher is less accurate" not in done.err
    splits = [{sample.file: sample.split for sample in read_run(each).samples} for each in (digits_run, run)]
    assert splits[0] == splits[1]
    assert f'teacher = "{digits_run}"' in (run / "config.toml").read_text()
    # What a run was taught by is not inherited: the teacher may be gone.
    moved, gone, empty = (tmp_path / name for name in ("moved", "gone", "empty"))
    shutil.copytree(run, moved)
    config = moved / "config.toml"
    config.write_text(config.read_text().replace(str(digits_run), str(gone)))
    empty.mkdir()
    command("edge-train", empty, "--from", moved, "--out", tmp_path / "next").fails_with(5, str(empty))
