"""An archive on a Ray cluster: the same answers, also when a node is killed."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_runtime.archive import ArchiveOptions, classify_archive
from edge_runtime.core import Reporter, WorkerError
from edge_runtime.inference import load_model
from edge_runtime.model import read_model_file
from tests.commands import BIN, Command
from tests.edge_runtime.archive.test_archive import make_archive, rows_of

pytest.importorskip("ray", reason="Ray is not installed: pip install 'edge-classify[ray]'")

STARTUP_SECONDS = 400.0
"""A node starts in ten to twenty seconds; beside other tests it may take many times that."""

ENVIRONMENT = {**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
"""A cluster of loopback needs no token in the home of whoever runs the tests."""


@pytest.fixture
def model(color_models: dict[str, Path]) -> tuple[object, ...]:
    return ("-m", color_models["uint8"])


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@contextlib.contextmanager
def node(log: Path, *arguments: object) -> Iterator["subprocess.Popen[bytes]"]:
    """A Ray node with one processor, in a process group of its own, that has joined its cluster.

    That is known by what `ray start` prints: to ask Ray would take a process as heavy as those that start.
    """
    words = [sys.executable, Path(__file__).with_name("ray_node.py"), "start", "--num-cpus=1", "--block"]
    words += ["--disable-usage-stats", "--include-log-monitor=false", *map(str, arguments)]
    words += [f"--runtime-env-agent-port={free_port()}"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            words, start_new_session=True, stdout=output, stderr=subprocess.STDOUT, env=ENVIRONMENT
        )
    deadline = time.monotonic() + STARTUP_SECONDS
    try:
        while "Ray runtime started" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The address of two nodes, and the second of them."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    head = ("--head", f"--port={port}", "--include-dashboard=false")
    with (
        node(tmp_path / "head.log", *head),
        node(tmp_path / "second.log", f"--address={address}") as second,
    ):
        yield address, second


@pytest.mark.extra
def test_a_cluster_of_this_machine_gives_the_same_answers(
    command: Command, model: tuple[object, ...], tmp_path: Path
) -> None:
    archive = make_archive(tmp_path, 1200)
    options = (*model, "--input", archive)
    whole, out = tmp_path / "whole", tmp_path / "answers"
    assert command("edge-classify", *options, "--to", f"parquet:{whole}").code == 0
    to = ("--to", f"parquet:{out}")
    done = command("edge-classify", *options, *to, "--ray", "local", timeout=120, RAY_AUTH_MODE="disabled")
    assert done.code == 0, done.err
    assert "Ray cluster: 1 nodes" in done.err
    assert "classified: 1201 files, 1 of them cannot be read" in done.out
    assert rows_of(out) == rows_of(whole)


def test_a_cluster_that_is_not_there_is_one_line(
    command: Command, model: tuple[object, ...], tmp_path: Path
) -> None:
    options = (*model, "--input", make_archive(tmp_path, 3))
    for number, (address, reason) in enumerate(
        (("127.0.0.1:9", "refused"), ("nowhere.invalid:1", "not known"), ("cluster", "HOST:PORT"))
    ):
        to = f"parquet:{tmp_path / f'answers-{number}'}"
        done = command("edge-classify", *options, "--to", to, "--ray", address, timeout=60)
        done.fails_at_last_with(7, f"no Ray cluster at '{address}'", reason, "ray start --head")


def test_a_machine_on_which_ray_does_not_start_is_one_line(
    color_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_options: object) -> None:
        raise Exception("The current node timed out during startup.")  # noqa: TRY002

    monkeypatch.setattr("ray.init", fail)
    options = ArchiveOptions(
        source=make_archive(tmp_path, 3),
        folder=tmp_path / "answers",
        resume=False,
        top_k=1,
        threshold=0.0,
        workers=1,
        ray="local",
    )
    with (
        Reporter() as reporter,
        pytest.raises(WorkerError, match=r"does not start on this .*timed out") as found,
    ):
        classify_archive(load_model(read_model_file(color_models["uint8"])), options, reporter)
    assert "less is running" in str(found.value)


@pytest.mark.extra
def test_a_node_that_is_killed_loses_nothing(
    command: Command,
    model: tuple[object, ...],
    cluster: tuple[str, "subprocess.Popen[bytes]"],
    tmp_path: Path,
) -> None:
    address, second = cluster
    archive = make_archive(tmp_path, 100_000)
    options = (*model, "--input", archive)
    whole, out = tmp_path / "whole", tmp_path / "answers"
    assert command("edge-classify", *options, "--to", f"parquet:{whole}").code == 0
    words = [BIN / "edge-classify", *map(str, options), "--to", f"parquet:{out}", "--ray", address]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        while len(list(out.glob("*.parquet"))) < 5:
            assert process.poll() is None
            time.sleep(0.1)
        os.killpg(second.pid, signal.SIGKILL)
        assert process.stderr is not None
        messages = process.stderr.read()
    assert process.returncode == 0, messages
    assert "Ray cluster: 2 nodes, 2 processors" in messages
    assert len(list(out.glob("*.parquet"))) == 101
    assert rows_of(out) == rows_of(whole)
