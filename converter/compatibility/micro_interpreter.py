"""Load and run a model in tflite-micro's interpreter, in a child process with limits."""

import subprocess
import sys

from edge_runtime import ModelError
from edge_runtime.inference.sandbox import limit_resources

WALL_SECONDS = 180
ARENA_BYTES = 64 * 1024**2
"""Room for tensors; microcontrollers have far less, which is not what is checked here."""


def run_micro(content: bytes, *, name: str) -> None:
    """Run a model once.

    Args:
        content: the bytes of a `.tflite`.
        name: what messages call it.

    Raises:
        ModelError: tflite-micro refuses it, or crashes.
    """
    try:
        done = subprocess.run(
            [
                sys.executable,
                "-P",
                "-c",
                "from converter.compatibility.micro_interpreter import serve; serve()",
            ],
            input=content,
            capture_output=True,
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{name}: tflite-micro did not answer within {WALL_SECONDS} s") from error
    if done.returncode:
        # The reason stands in a line of the C++ sources before Python's traceback.
        lines = done.stderr.decode(errors="replace").split("Traceback", maxsplit=1)[0].strip().splitlines()
        reason = " ".join(" ".join(lines).split())
        raise ModelError(
            f"tflite-micro refuses it: {reason or f'it ended with status {done.returncode}':.200}"
        )


def serve() -> None:
    """Be the child: run the model that comes on stdin once."""
    limit_resources()
    import numpy as np
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(sys.stdin.buffer.read(), arena_size=ARENA_BYTES)
    entry = interpreter.get_input_details(0)
    interpreter.set_input(np.zeros(entry["shape"], entry["dtype"]), 0)
    interpreter.invoke()
