"""What the measurements depend on: the machine, and its state before and after."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from edge_runtime.core import CLOSED
from edge_runtime.system import is_emulated, read_hardware, read_text

HOT = 80.0
BUSY = 0.5
_CPUINFO, _KERNEL = Path("/proc/cpuinfo"), Path("/proc/version")


@dataclass(frozen=True)
class Machine:
    """The properties that two reports must share to be compared.

    Attributes:
        processor: its name.
        cores: that this process may use.
        memory_gib: of the machine.
        system: operating system and architecture.
        python: its version.
        emulated: another processor pretends to be this one (QEMU): times say nothing.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    processor: str
    cores: int
    memory_gib: int
    system: str
    python: str
    emulated: bool = False

    @property
    def name(self) -> str:
        """The machine in a few words, for a column of a table."""
        return f"{self.processor}, {self.cores} cores{', emulated' if self.emulated else ''}"

    def differences(self, other: "Machine") -> list[str]:
        """A line for each difference."""
        return [
            f"{name}: {value} / {getattr(other, name)}"
            for name, value in vars(self).items()
            if value != getattr(other, name)
        ]


@dataclass(frozen=True)
class MachineState:
    """What changes while measuring. None where the machine does not report it.

    Attributes:
        load: average number of running processes over the last minute.
        governor: of the first core's frequency.
        temperature: of the hottest sensor, in degrees Celsius.
        throttled: how often the first core was throttled because of heat since boot.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

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
        emulated=is_emulated(read_text(_CPUINFO) or "", read_text(_KERNEL) or ""),
    )


def read_state() -> MachineState:
    """The machine's state now."""
    hardware = read_hardware()
    return MachineState(
        load=os.getloadavg()[0],
        governor=hardware.governor,
        temperature=hardware.temperature,
        throttled=hardware.throttle_count,
    )


def warnings(before: MachineState, after: MachineState, cores: int, *, emulated: bool = False) -> list[str]:
    """A line for each reason to doubt the figures."""
    lines = []
    if emulated:
        lines.append("the processor is emulated: times are not shown, they say nothing of a real one")
    if before.load > BUSY * cores:
        lines.append(f"the machine was not quiet: load {before.load:.1f} on {cores} cores at the start")
    if before.governor not in (None, "performance"):
        lines.append(f"the frequency governor is {before.governor}: latencies depend on what ran before")
    if after.temperature is not None and after.temperature > HOT:
        lines.append(f"the processor is hot: {after.temperature:.0f} °C")
    if before.throttled is not None and after.throttled is not None and after.throttled > before.throttled:
        lines.append(
            f"the processor was throttled because of heat {after.throttled - before.throttled} times"
        )
    return lines


def _processor() -> str:
    text = read_text(_CPUINFO) or ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.lower().startswith("model")]
    # x86 has "model : 85" as well as "model name : …": take the longest.
    return max(names, key=len, default=platform.processor() or "unknown")
