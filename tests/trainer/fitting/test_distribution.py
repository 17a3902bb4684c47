"""Several workers on this machine, as processes of their own, and several devices in one."""

import csv
import json
import os
import signal
import socket
from pathlib import Path

import numpy as np
import pytest

from edge_runtime import UsageError
from tests.commands import Command, Finished, Running
from trainer.fitting.distribution import Share, read_cluster

# Two devices in one process, as two GPUs would be.
MIRRORED = """
import tensorflow as tf
devices = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
"""


@pytest.fixture(scope="module")
def options(hard_colors: tuple[object, ...]) -> tuple[object, ...]:
    """Nothing random but the order: what workers draw at random would be each one's own."""
    return (
        *hard_colors,
        *("--dropout", 0, "--flip", "off", "--rotation", 0, "--zoom", 0, "--shift", 0),
        *("--cross-validate", "off", "--head-epochs", 3, "--fine-tune-epochs", 3, "--checkpoint-seconds", 0),
    )


@pytest.fixture(scope="module")
def alone(command: Command, options: tuple[object, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("alone") / "run"
    done = command("edge-train", *options, "--out", run)
    assert done.code == 0, done.err
    return run


def losses(run: Path) -> np.ndarray:
    rows = csv.DictReader((run / "history.csv").read_text().splitlines())
    return np.array([[float(row[name]) for name in ("loss", "val_loss", "accuracy")] for row in rows])


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start_workers(*arguments: object) -> list[Running]:
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    workers = []
    for index in range(2):
        cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "TF_CONFIG": json.dumps(cluster)}
        together = (*arguments, "--distribute", "multi-worker")
        workers.append(Running("edge-train", together, environment=environment))
    return workers


def finish_all(workers: list[Running]) -> list[Finished]:
    return [worker.finish() for worker in workers]


@pytest.mark.extra
def test_two_workers_learn_what_one_learns(options: tuple[object, ...], alone: Path, tmp_path: Path) -> None:
    first, second = finish_all(start_workers(*options, "--out", tmp_path / "run"))
    assert (first.code, second.code) == (0, 0), first.err + second.err
    np.testing.assert_allclose(losses(tmp_path / "run"), losses(alone), rtol=1e-3)
    assert "run: " in first.out
    assert "worker 0 writes the run" in second.err
    assert second.out == ""
    metrics, others = (json.loads((run / "metrics.json").read_text()) for run in (tmp_path / "run", alone))
    assert metrics["validation"]["loss"] == pytest.approx(others["validation"]["loss"], rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("killed", [0, pytest.param(1, marks=pytest.mark.extra)])
def test_a_killed_worker_ends_the_other_and_both_go_on(
    options: tuple[object, ...], alone: Path, tmp_path: Path, killed: int
) -> None:
    long = ("--head-epochs", 2000, "--patience", 0, "--schedule", "constant")
    workers = start_workers(*options, *long, "--out", tmp_path / "run")
    workers[1 - killed].wait_for("head epoch 2")
    workers[killed].send(signal.SIGKILL)
    finish_all(workers)[1 - killed].fails_at_last_with(7, "another worker is gone", "--resume")
    if killed == 0:
        return
    more = ("--head-epochs", len(losses(tmp_path / "run")) + 1)
    first, second = finish_all(start_workers("--resume", "--out", tmp_path / "run", *more))
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert "continuing after epoch" in second.err
    assert len(losses(tmp_path / "run")) == more[1] + 3


@pytest.mark.extra
def test_two_devices_learn_what_one_learns_from_a_teacher(
    command: Command, options: tuple[object, ...], alone: Path, tmp_path: Path
) -> None:
    """The run of the same options is the teacher: what it says of the images differs from their labels."""
    taught = (*options, "--teacher", alone, "--teacher-weight", 0.9)
    done = command("edge-train", *taught, "--out", tmp_path / "one")
    assert done.code == 0, done.err
    arguments = [*taught, "--distribute", "mirrored", "--out", tmp_path / "two"]
    done = Running("edge-train", arguments, prepare=MIRRORED).finish()
    assert done.code == 0, done.err
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=1e-3)
    assert not np.allclose(losses(tmp_path / "one"), losses(alone), rtol=0.05)


def test_every_image_is_one_workers() -> None:
    order = np.random.default_rng(0).permutation(101)
    parts = [Share(index, 3).of(order) for index in range(3)]
    assert sorted(np.concatenate(parts)) == list(range(101))
    np.testing.assert_array_equal(Share().of(order), order)


WORKERS = {"worker": ["a:1", "b:2"]}


@pytest.mark.parametrize(
    "described",
    [
        None,
        "not JSON",
        "[]",
        json.dumps({"cluster": WORKERS}),
        json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 2}}),
        json.dumps({"cluster": WORKERS, "task": {"type": "ps", "index": 0}}),
        json.dumps({"cluster": {**WORKERS, "ps": ["c:3"]}, "task": {"type": "worker", "index": 0}}),
    ],
)
def test_a_cluster_that_is_none_is_refused(described: str | None) -> None:
    with pytest.raises(UsageError, match="TF_CONFIG"):
        read_cluster(described)


def test_a_cluster_tells_a_workers_share() -> None:
    assert read_cluster(json.dumps({"cluster": WORKERS, "task": {"type": "worker", "index": 1}})) == Share(
        1, 2
    )
