"""Run the toolkit's own commands in a study, and measure what they take."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# A process starts with the peak memory of the one that forked it: this one is small.
_LAUNCHER = """
import json, resource, subprocess, sys, time
started, lines = time.monotonic(), []
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
for line in process.stderr:
    lines.append([time.monotonic() - started, line.rstrip()])
code = process.wait()
seconds = time.monotonic() - started
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, lines]))
sys.exit(code)
"""


@dataclass(frozen=True)
class CommandCost:
    """What a command took, its child processes included.

    Attributes:
        seconds: from its start to its end.
        cpu_seconds: of the processor.
        peak_megabytes: resident memory of the largest of its processes, at most (MiB).
        lines: what it reported on stderr, each with the seconds since its start.
    """

    seconds: float
    cpu_seconds: float
    peak_megabytes: float
    lines: tuple[tuple[float, str], ...] = ()

    def seconds_until(self, text: str) -> float:
        """When the first line with this text was reported, in seconds since the start.

        Raises:
            ValueError: there is none.
        """
        for seconds, line in self.lines:
            if text in line:
                return seconds
        raise ValueError(f"no line with {text!r} was reported")


def run_tool(command: str, *arguments: object) -> None:
    """Run a command of this environment.

    Raises:
        RuntimeError: it failed; with the end of what it printed.
    """
    measure_tool(command, *arguments)


def measure_tool(command: str, *arguments: object) -> CommandCost:
    """Run a command of this environment and measure it.

    Raises:
        RuntimeError: it failed; with the end of what it printed.
    """
    return measure_command(Path(sys.executable).parent / command, *arguments)


def measure_command(program: object, *arguments: object) -> CommandCost:
    """Run a program and measure it.

    Raises:
        RuntimeError: it failed; with the end of what it printed.
    """
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(program), *map(str, arguments)]
    done = subprocess.run(launcher, capture_output=True, text=True, check=False)  # noqa: S603 - our own commands
    seconds, cpu_seconds, peak, lines = json.loads(done.stdout)
    if done.returncode:
        raise RuntimeError("\n".join([str(program), *(text for _seconds, text in lines[-5:])]))
    return CommandCost(seconds, cpu_seconds, peak, tuple((at, text) for at, text in lines))
