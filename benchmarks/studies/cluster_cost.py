"""An archive on a Ray cluster of two nodes beside one process: CPU seconds, since both share one machine.

    python -m benchmarks.studies.cluster_cost MODEL.tflite FOLDER [COUNT]

The archive is COUNT links to the images of FOLDER, which are not copied. The nodes run on this machine, with
one processor each. What the cluster costs is everything: its own services, the workers, and the command that
waits for them. Ideal is what one process takes, its start included.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Self

from benchmarks.studies.commands import measure_tool
from edge_runtime.archive import read_shards
from edge_runtime.core import markdown_table
from edge_runtime.images import list_images

ENVIRONMENT = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
STARTUP_SECONDS = 60.0
QUIET_SECONDS = 5.0
LOOK_SECONDS = 0.5
TICKS = os.sysconf("SC_CLK_TCK")

COUNT_NODES = "import ray, sys; ray.init(sys.argv[1], log_to_driver=False); print(len(ray.nodes()))"


def make_archive(images: Path, folder: Path, count: int) -> Path:
    """So many links to the images."""
    targets = cycle(path.resolve() for path in list(list_images(images)))
    for number, target in enumerate(islice(targets, count)):
        link = folder / f"{number % 100:02}" / f"{number:07}{target.suffix}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    return folder


@contextlib.contextmanager
def cluster() -> Iterator[tuple[str, list[int]]]:
    """The address of two nodes with a processor each, and their processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    port = address.rpartition(":")[2]
    with _node("--head", f"--port={port}", "--include-dashboard=false") as head:
        _wait_for_nodes(address, 1)
        with _node(f"--address={address}") as second:
            _wait_for_nodes(address, 2)
            yield address, [head, second]


@contextlib.contextmanager
def _node(*arguments: str) -> Iterator[int]:
    program = Path(sys.executable).parent / "ray"
    words = [str(program), "start", "--num-cpus=1", "--block", "--disable-usage-stats", *arguments]
    process = subprocess.Popen(  # noqa: S603 - our own arguments
        words,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for_nodes(address: str, count: int) -> None:
    deadline = time.monotonic() + STARTUP_SECONDS
    words = [sys.executable, "-c", COUNT_NODES, address]
    while True:
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
        if done.stdout.strip() == str(count):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"Ray did not start: {done.stderr[-500:]}")
        time.sleep(0.5)


class Watch:
    """Adds up the processor time of processes and their descendants while it lasts; looks twice a second.

    A node does not wait for its workers when they end, so that their time is in no other process's sum.

    Args:
        roots: the processes.
    """

    def __init__(self, roots: Sequence[int]) -> None:
        self._roots = roots
        self._before: dict[int, int] = {}
        self._latest: dict[int, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_again_and_again)

    def __enter__(self) -> Self:
        self._before = _ticks(self._roots)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def cpu_seconds(self) -> float:
        """That they took so far."""
        return sum(count - self._before.get(each, 0) for each, count in self._latest.items()) / TICKS

    def _look_again_and_again(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._latest |= _ticks(self._roots)


def _ticks(roots: Sequence[int]) -> dict[int, int]:
    """Process → processor time of its own, in clock ticks: of these processes and their descendants."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # Fields after the name, which may have spaces: proc_pid_stat(5), from 3 on.
            fields = path.read_text().rpartition(")")[2].split()
            parents[int(path.parent.name)] = int(fields[1])
            ticks[int(path.parent.name)] = sum(map(int, fields[11:13]))
    return {process: count for process, count in ticks.items() if _descends(process, roots, parents)}


def _descends(process: int, roots: Sequence[int], parents: Mapping[int, int]) -> bool:
    while process not in roots and process in parents:
        process = parents[process]
    return process in roots


def main(model: Path, images: Path, count: int) -> None:
    """Print the table; refuse answers that differ."""
    os.environ.update(ENVIRONMENT)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = make_archive(images, folder / "archive", count)
        options = ("-m", model, "--input", archive)
        one = measure_tool("edge-classify", *options, "--to", f"parquet:{folder / 'one'}")
        with cluster() as (address, processes):
            time.sleep(QUIET_SECONDS)
            to = ("--to", f"parquet:{folder / 'many'}", "--ray", address)
            with Watch(processes) as nodes:
                command = measure_tool("edge-classify", *options, *to)
        if list(map(_answer, _rows(folder / "one"))) != list(map(_answer, _rows(folder / "many"))):
            raise ValueError("the cluster gives other answers than one process")
    whole = nodes.cpu_seconds + command.cpu_seconds
    columns = ("files", "CPU s of one process", "of the cluster", "of these the command", "of ideal")
    cells = (f"{one.cpu_seconds:.1f}", f"{whole:.1f}", f"{command.cpu_seconds:.1f}")
    print(markdown_table(columns, [(f"{count:,}", *cells, f"{one.cpu_seconds / whole:.2f}")]))  # noqa: T201


def _rows(folder: Path) -> list[dict[str, object]]:
    return sorted(read_shards(folder), key=lambda row: str(row["file"]))


def _answer(row: dict[str, object]) -> tuple[object, ...]:
    return row["file"], row["answer"], row["scores"]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 100_000)
