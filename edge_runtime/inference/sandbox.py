"""Load and run a model once in a child process with limits: a damaged file can crash an interpreter.

tflite-runtime does not verify the file that it loads, and no interpreter checks all of it. A file that has
passed is remembered by its hash, the engine and the engine's version: later starts cost nothing.
"""

import signal
import subprocess
import sys
from pathlib import Path

from edge_runtime.core import EdgeError, ModelError, cache_folder, is_there, write_file
from edge_runtime.inference.engine_registry import choose_engine, engine_version
from edge_runtime.model import ModelFile

WALL_SECONDS = 180


def try_in_sandbox(file: ModelFile, engine: str | None = None) -> None:
    """Load and run a model once in a child process, unless this file has passed before.

    Args:
        file: the model.
        engine: as for `open_engine`.

    Raises:
        ModelError: the child crashed, refused the model, or took too long.
        MissingLibraryError: the engine is not installed.
    """
    chosen = choose_engine(engine)
    mark = _mark(file, chosen)
    if is_there(mark):
        return
    # -P: a numpy.py in the working folder must not be imported.
    command = [sys.executable, "-P", "-m", "edge_runtime.inference.sandbox_child", chosen, file.name]
    try:
        child = subprocess.run(  # noqa: S603 - our own module, no shell
            command, input=file.content, capture_output=True, timeout=WALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{file.name}: the model gave no result within {WALL_SECONDS} s") from error
    if child.returncode < 0:
        reason = signal.Signals(-child.returncode).name
        raise ModelError(f"{file.name}: the model is damaged: it crashes {chosen} ({reason})")
    if child.returncode != 0:
        lines = child.stderr.decode(errors="replace").strip().splitlines()
        raise ModelError(lines[-1] if lines else f"{file.name}: the model cannot be run by {chosen}")
    _remember(mark)


def _mark(file: ModelFile, engine: str) -> Path:
    # A later version of the engine is another program: it has to be tried again.
    return cache_folder("trials") / f"{file.sha256}.{engine}-{engine_version(engine)}"


def _remember(mark: Path) -> None:
    try:
        write_file(mark, b"")
    except EdgeError:
        return  # Without a cache every start tries the model again: slower, not wrong.
