"""Try a model file in a child process first: a damaged or hostile file can crash an interpreter.

tflite-runtime does not verify the file that it loads, and no interpreter checks all of it. So a file is
loaded and run once in a child with limits; what survived is remembered by its hash: later starts are free.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from edge_runtime.core.errors import EdgeError, ModelError
from edge_runtime.core.files import cache_folder, is_there, sha256, write_file
from edge_runtime.inference.engine_registry import choose_engine, engine_version
from edge_runtime.inference.engines import open_engine

CPU_SECONDS = 60
WALL_SECONDS = 180
MEMORY_BYTES = 8 * 1024**3


def prove_model(content: bytes, *, name: str, engine: str | None = None) -> None:
    """Load and run a model once in a child process, unless this very file has passed before.

    Args:
        content: the bytes of a `.tflite`.
        name: what messages call it.
        engine: as for `open_engine`.

    Raises:
        ModelError: the child crashed, refused the model, or took too long.
        MissingLibraryError: the engine is not installed.
    """
    chosen = choose_engine(engine)
    # Another version of the engine is another program: what an older one survived says nothing of it.
    mark = cache_folder("trials") / f"{sha256(content)}.{chosen}-{engine_version(chosen)}"
    if is_there(mark):
        return
    # -P: a numpy.py in the working folder is not ours.
    command = [sys.executable, "-P", "-m", "edge_runtime.inference.sandbox", chosen, name]
    try:
        child = subprocess.run(  # noqa: S603 - our own module, no shell
            command, input=content, capture_output=True, timeout=WALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"{name}: the model did not answer within {WALL_SECONDS} s; it is not used"
        ) from error
    if child.returncode < 0:
        reason = signal.Signals(-child.returncode).name
        raise ModelError(f"{name}: the model is damaged: it crashes {chosen} ({reason}); it is not used")
    if child.returncode != 0:
        lines = child.stderr.decode(errors="replace").strip().splitlines()
        raise ModelError(lines[-1] if lines else f"{name}: the model cannot be run by {chosen}")
    _remember(mark)


def _remember(mark: Path) -> None:
    try:
        write_file(mark, b"")
    except EdgeError:
        return  # Without a cache every start makes the trial anew: slower, not wrong.


def limit_resources() -> None:
    """Bound what this process may use: processor time and memory."""
    import resource

    wanted = {
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_AS: min(MEMORY_BYTES, sys.maxsize),
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in wanted.items():
        _soft, hard = resource.getrlimit(kind)
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (allowed, allowed))


def _main(engine: str, name: str) -> int:
    if os.name == "posix":
        limit_resources()
    try:
        loaded = open_engine(sys.stdin.buffer.read(), name=name, engine=engine, num_threads=1)
        loaded.invoke(loaded.input.zeros())
    except EdgeError as error:
        sys.stderr.write(f"\n{error}\n")
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    raise SystemExit(_main(sys.argv[1], sys.argv[2]))
