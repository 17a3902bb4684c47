"""Measure how many threads are fastest for a model on this machine, and remember it."""

import platform
from pathlib import Path
from statistics import median

from edge_runtime.core import EdgeError, cache_folder, clock, sha256, write_file
from edge_runtime.inference.engine_registry import choose_engine, engine_version
from edge_runtime.inference.engines import open_engine
from edge_runtime.model import ModelFile
from edge_runtime.system import default_threads

SECONDS = 0.6
MAX_SLOWDOWN = 1.05
"""Fewer threads are taken when they are not slower than this: the other cores are free for the camera."""


def remembered_threads(file: ModelFile, engine: str | None = None) -> int | None:
    """What was measured before for this model, engine, engine version and machine; None for nothing."""
    try:
        return int(_mark(file, engine).read_text())
    except (OSError, ValueError, EdgeError):
        return None


def fastest_threads(file: ModelFile, engine: str | None = None) -> int:
    """Measure 1, 2, … threads in turns, about half a second in all, unless it was measured before.

    Not while frames are classified: the result would be wrong, and remembered.

    Args:
        file: a model that has passed the sandbox.
        engine: as for `open_engine`.

    Returns:
        The smallest number that is hardly slower than the fastest.
    """
    known = remembered_threads(file, engine)
    if known is not None:
        return known
    threads = _measure(file, engine) if default_threads() > 1 else 1
    try:
        write_file(_mark(file, engine), str(threads))
    except EdgeError:
        return threads  # Without a cache it is measured at every start.
    return threads


def _measure(file: ModelFile, engine: str | None) -> int:
    numbers = range(1, default_threads() + 1)
    engines = [open_engine(file.content, name=file.name, engine=engine, num_threads=n) for n in numbers]
    tensor = engines[0].input.zeros()
    times: list[list[float]] = [[] for _ in engines]
    until = clock.now() + SECONDS
    while clock.now() < until or len(times[0]) < 3:
        for each, durations in zip(engines, times, strict=True):
            started = clock.now()
            each.invoke(tensor)
            durations.append(clock.now() - started)
    # The first round warms up.
    typical = [median(durations[1:]) for durations in times]
    limit = MAX_SLOWDOWN * min(typical)
    return next(n for n, duration in zip(numbers, typical, strict=True) if duration <= limit)


def _mark(file: ModelFile, engine: str | None) -> Path:
    machine = sha256(f"{platform.node()} {platform.machine()} {default_threads()}".encode())[:12]
    chosen = choose_engine(engine)
    return cache_folder("threads") / f"{file.sha256}.{chosen}-{engine_version(chosen)}.{machine}"
