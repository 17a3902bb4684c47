"""What the figures depend on: the machine, its state before and after, and the libraries."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.core.versions import installed_versions
from edge_runtime.system.hardware import read_board, read_text

_PACKAGES = (
    "edge-classify", "ai-edge-litert", "tflite-runtime", "tensorflow", "keras", "numpy", "opencv-python",
    "opencv-python-headless",
)  # fmt: skip
HOT = 80.0
BUSY = 0.5


@dataclass(frozen=True)
class Machine:
    """What stays the same between two runs that may be compared."""

    processor: str
    cores: int
    memory_gib: int
    system: str
    python: str

    def differences(self, other: "Machine") -> list[str]:
        """A line for each thing that is not alike."""
        return [
            f"{name}: {value} / {getattr(other, name)}"
            for name, value in vars(self).items()
            if value != getattr(other, name)
        ]


@dataclass(frozen=True)
class State:
    """What changes while measuring. None where the machine does not tell.

    Attributes:
        load: average number of running processes over the last minute.
        governor: of the first core's frequency.
        temperature: of the hottest sensor, in degrees Celsius.
        throttled: how often the first core was slowed down because of heat since it was started.
    """

    load: float
    governor: str | None
    temperature: float | None
    throttled: int | None


def describe_machine() -> Machine:
    """This machine."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(pages / 1024**3),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
    )


def library_versions() -> dict[str, str]:
    """The versions of what measures and of what is measured."""
    return installed_versions(*_PACKAGES)


def read_state() -> State:
    """The machine's state now."""
    board = read_board()
    return State(
        load=os.getloadavg()[0],
        governor=board.governor,
        temperature=board.temperature,
        throttled=board.throttle_count,
    )


def warnings(before: State, after: State, cores: int) -> list[str]:
    """A line for each reason to doubt the figures."""
    lines = []
    if before.load > BUSY * cores:
        lines.append(f"the machine was not quiet: load {before.load:.1f} on {cores} cores at the start")
    if before.governor not in (None, "performance"):
        lines.append(f"the frequency governor is {before.governor}: latencies depend on what ran before")
    if after.temperature is not None and after.temperature > HOT:
        lines.append(f"the processor is hot: {after.temperature:.0f} °C")
    if before.throttled is not None and after.throttled is not None and after.throttled > before.throttled:
        lines.append(f"heat slowed the processor down {after.throttled - before.throttled} times")
    return lines


def read_energy() -> float | None:
    """Joules that the processor has used since some moment, by RAPL; None where that cannot be read."""
    text = read_text(Path("/sys/class/powercap/intel-rapl:0/energy_uj"))
    return int(text) / 1e6 if text else None


def _processor() -> str:
    text = read_text(Path("/proc/cpuinfo")) or ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.lower().startswith("model")]
    # x86 has "model : 85" as well as "model name : …": take the longest.
    return max(names, key=len, default=platform.processor() or "unknown")
