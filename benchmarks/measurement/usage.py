"""Processor time and memory of a process and its children, from `/proc`."""

import os
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.system import read_text


@dataclass(frozen=True)
class Usage:
    """What a process uses.

    Attributes:
        cpu_seconds: since it started, user and system, without its children.
        resident_bytes: now.
    """

    cpu_seconds: float
    resident_bytes: int


def usage_of(pid: int) -> Usage:
    """What a process uses; nothing where it has ended. Source: proc(5)."""
    text = read_text(Path(f"/proc/{pid}/stat"))
    if text is None:
        return Usage(0.0, 0)
    # The name may contain spaces and parentheses: fields are counted behind it.
    fields = text.rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE"))


def processes_below(pid: int) -> list[int]:
    """A process and all that it has started and that still run."""
    found, waiting = [], [pid]
    while waiting:
        each = waiting.pop()
        found.append(each)
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            waiting += [int(child) for child in (read_text(task) or "").split()]
    return found
