"""Load and run a model in tflite-micro's interpreter, in a child process with limits."""

import subprocess
import sys

from edge_runtime.core import ModelError, one_line
from edge_runtime.system import limit_resources

WALL_SECONDS = 180
CPU_SECONDS = 60
MEMORY_BYTES = 8 * 1024**3
ARENA_BYTES = 64 * 1024**2
"""Memory for tensors; microcontrollers have far less, which is not checked here."""


def run_micro(content: bytes, *, name: str) -> None:
    """Run a model once.

    Args:
        content: the bytes of a `.tflite`.
        name: how messages call it.

    Raises:
        ModelError: tflite-micro refuses it, or crashes.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own module, no shell
            [sys.executable, "-P", "-c", f"from {__name__} import serve; serve()"],
            input=content,
            capture_output=True,
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{name}: tflite-micro did not answer within {WALL_SECONDS} s") from error
    if done.returncode:
        # The reason is in a line of the C++ sources before Python's traceback.
        lines = done.stderr.decode(errors="replace").split("Traceback", maxsplit=1)[0].strip().splitlines()
        reason = one_line(" ".join(lines))
        raise ModelError(
            f"tflite-micro refuses it: {reason or f'it ended with status {done.returncode}':.200}"
        )


def serve() -> None:
    """The child process: run the model from stdin once."""
    limit_resources(memory_bytes=MEMORY_BYTES, cpu_seconds=CPU_SECONDS)
    import numpy as np
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(sys.stdin.buffer.read(), arena_size=ARENA_BYTES)
    entry = interpreter.get_input_details(0)
    interpreter.set_input(np.zeros(entry["shape"], entry["dtype"]), 0)
    interpreter.invoke()
