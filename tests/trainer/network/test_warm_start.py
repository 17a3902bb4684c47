"""`edge-train --from`: what was learnt is kept."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edge_runtime.core import ModelError, UsageError
from edge_runtime.datasets import read_run
from tests.commands import Command
from trainer.config import TrainConfig
from trainer.network import build_network, start_from


def config_of(run: Path) -> TrainConfig:
    return TrainConfig.from_run(read_run(run))


def test_known_classes_keep_their_scores_and_new_ones_are_named(digits_run: Path) -> None:
    run, config = read_run(digits_run), config_of(digits_run)
    labels = ("new", *reversed(run.card.classes))
    network = build_network(config, len(labels))
    assert start_from(network, config, labels, run) == ["new"]
    same = build_network(config, len(run.card.classes))
    assert start_from(same, config, run.card.classes, run) == []
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.float32)
    before, after = (np.log(each.model(pixels, training=False).numpy()) for each in (same, network))
    before -= before.mean(axis=1, keepdims=True)
    known = after[:, :0:-1] - after[:, 1:].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(known, before, atol=1e-3)


def test_a_network_of_another_form_is_refused(digits_run: Path) -> None:
    run, config = read_run(digits_run), config_of(digits_run)
    other = dataclasses.replace(config, image_size=64)
    with pytest.raises(UsageError, match="--image-size 32, now it is 64"):
        start_from(build_network(other, 10), other, run.card.classes, run)


def test_one_logit_of_other_classes_is_refused(digits_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = read_run(digits_run)
    card = dataclasses.replace(run.card, labels=("cat", "dog"), rejection=None, golden=())
    two = dataclasses.replace(run, card=card)
    config = dataclasses.replace(config_of(digits_run), one_logit=True)
    network = build_network(config, 2)
    monkeypatch.setattr("trainer.network.warm_start.check_options", lambda _config, _run: None)
    monkeypatch.setattr(type(network.model), "load_weights", lambda _model, _path: None)
    assert start_from(network, config, ("cat", "dog"), two) == []
    with pytest.raises(UsageError, match="tells cat from dog, the data has dog, cat"):
        start_from(network, config, ("dog", "cat"), two)


def test_damaged_weights_are_one_line(digits_run: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "run"
    shutil.copytree(digits_run, copy)
    (copy / "checkpoints" / "best.weights.h5").write_bytes(b"no weights")
    config = config_of(copy)
    with pytest.raises(ModelError, match="not the weights of this run"):
        start_from(build_network(config, 10), config, read_run(copy).card.classes, read_run(copy))


def test_wrong_arguments_are_one_line(command: Command, digits_run: Path, tmp_path: Path) -> None:
    command("edge-train", "--from", tmp_path).fails_with(2, "config.toml")
    command("edge-train", "--from", digits_run, "--out", digits_run).fails_with(
        2, "--from and --out are both"
    )
    command("edge-train", "--from", digits_run, "--alpha", 0.5, "--out", tmp_path / "r").fails_with(
        2, "--alpha 0.35, now it is 0.5"
    )
