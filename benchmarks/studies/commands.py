"""Run the toolkit's own commands in a study."""

import subprocess
import sys
from pathlib import Path


def run_tool(command: str, *arguments: object) -> None:
    """Run a command of this environment.

    Raises:
        RuntimeError: it failed; with the end of what it printed.
    """
    program = str(Path(sys.executable).parent / command)
    done = subprocess.run(  # noqa: S603 - our own commands
        [program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stderr[-500:]}")
