"""Classify chunks on a Ray cluster: each is sent to a free processor, and again where a node is lost."""

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from edge_runtime.archive.chunks import Answering, ChunkClassifier
from edge_runtime.archive.plan import Chunk
from edge_runtime.archive.shards import Shard, make_shard
from edge_runtime.core import EdgeError, MissingLibraryError, Say, WorkerError, one_line
from edge_runtime.inference import LoadOptions, load_model
from edge_runtime.model import ModelFile

CONNECT_SECONDS = 10.0
"""Longest time until a cluster's port answers."""

_LOCAL = "local"
"""The address of this machine alone."""


class ChunkWorker:
    """One processor of a node; Ray starts it there.

    Args:
        file: the model file; the nodes need not have it.
        engine: that runs it.
        answering: how files become rows; the nodes must see the files under the same names.
        metadata: of the shards.
    """

    def __init__(self, file: ModelFile, engine: str, answering: Answering, metadata: dict[str, str]) -> None:
        model = load_model(file, LoadOptions(engine=engine, num_threads=1))
        self._classifier = ChunkClassifier(model, answering, threads=1)
        self._metadata = metadata

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """A chunk → its shard."""
        chunk = Chunk(int(row["number"]), tuple(str(name) for name in row["files"]))
        return vars(make_shard(chunk.number, self._classifier.classify(chunk), self._metadata))


def classify_on_cluster(
    address: str,
    worker: tuple[ModelFile, str, Answering, dict[str, str]],
    chunks: Sequence[Chunk],
    say: Say,
) -> Iterator[Shard]:
    """Classify chunks on a Ray cluster; shards come in any order.

    Args:
        address: of the cluster, as `ray.init` takes it: `auto` for the one that this machine is a node of,
            `local` for this machine alone.
        worker: the arguments of `ChunkWorker`.
        chunks: what to classify.
        say: shows a line that the user should know.

    Raises:
        MissingLibraryError: Ray is not installed.
        WorkerError: there is no cluster, or it is lost.
        EdgeError: a worker cannot use the model.
    """
    try:
        # Ray takes seconds to import.
        _check_reachable(address)
    except (OSError, ValueError) as error:
        raise _no_cluster(address, error) from error
    ray = _import_ray()
    from ray.exceptions import RayError

    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        # Ray raises `Exception` itself where its processes do not start in time.
        raise _no_cluster(address, error) from error
    try:
        processors = int(ray.cluster_resources().get("CPU", 1))
        nodes = sum(bool(node["Alive"]) for node in ray.nodes())
        say(f"Ray cluster: {nodes} nodes, {processors} processors")
        _quiet(ray)
        waiting = ray.data.from_items(
            [{"number": chunk.number, "files": list(chunk.files)} for chunk in chunks],
            # A block is done again as a whole when its node is lost.
            override_num_blocks=len(chunks),
        )
        done = waiting.map(
            ChunkWorker,
            fn_constructor_args=worker,
            num_cpus=1,
            # A lost node is no reason to wait for its processors.
            concurrency=(1, min(processors, len(chunks))),
        )
        for row in done.iter_rows():
            yield Shard(**row)
    except RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, EdgeError):
            raise cause from error
        raise WorkerError(f"the Ray cluster is lost: {one_line(error):.200}; --resume continues") from error
    finally:
        ray.shutdown()


def _no_cluster(address: str, error: Exception) -> WorkerError:
    reason = f"{one_line(error):.160}"
    if address == _LOCAL:
        return WorkerError(
            f"Ray does not start on this machine ({reason}): where it timed out, try again when less is "
            "running; or leave --ray out"
        )
    return WorkerError(
        f"no Ray cluster at {address!r} ({reason}): start one with `ray start --head`, other nodes with "
        "`ray start --address=HEAD:6379`, or give --ray local"
    )


def _check_reachable(address: str) -> None:
    """Fail within seconds where nothing answers: Ray tries for many minutes.

    Raises:
        OSError: nothing answers.
        ValueError: not HOST:PORT, with `ray://` before it or without.
    """
    if address in ("auto", _LOCAL):
        return
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (host and colon and port.isdecimal()):
        raise ValueError("expected auto, local, HOST:PORT or ray://HOST:PORT")
    socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()


def _import_ray() -> Any:
    # Ray would report its use to its makers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingLibraryError(
            f"--ray needs Ray ({error}): pip install 'edge-classify[ray]' on every node"
        ) from error
    return ray


def _quiet(ray: Any) -> None:
    """No bars and no log lines of Ray Data: this command has its own."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
