"""The child process of the sandbox: reads a model from stdin, loads it and runs it once on zeros.

python -m edge_runtime.inference.sandbox_child ENGINE NAME < MODEL
"""

import sys

from edge_runtime.core import EdgeError
from edge_runtime.inference import open_engine
from edge_runtime.system import limit_resources

CPU_SECONDS = 60
MEMORY_BYTES = 8 * 1024**3


def main(engine: str, name: str) -> int:
    """Run the model; returns the exit code, with the reason as the last line of stderr."""
    limit_resources(memory_bytes=MEMORY_BYTES, cpu_seconds=CPU_SECONDS)
    try:
        loaded = open_engine(sys.stdin.buffer.read(), name=name, engine=engine, num_threads=1)
        loaded.invoke(loaded.input.zeros())
    except EdgeError as error:
        sys.stderr.write(f"\n{error}\n")
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2]))
