"""Temperature, throttling, frequency governor and cores of this machine, as the kernel reports them."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SYSTEM = Path("/sys")

# What get_throttled's bits 0 to 3 mean, for the present moment:
# https://www.raspberrypi.com/documentation/computers/os.html#vcgencmd
_PI_FLAGS = ("under-voltage", "capped frequency", "throttled", "soft temperature limit")
_PI_THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"


@dataclass(frozen=True)
class Hardware:
    """State of the hardware. None where the machine does not report it.

    Attributes:
        temperature: of the hottest sensor, in degrees Celsius.
        throttle_count: how often the first core was throttled because of heat since boot (x86).
        throttled_by: reasons for throttling at this moment, from a Raspberry Pi's firmware; empty for none.
        governor: of the first core's frequency.
        megahertz: the first core's frequency.
    """

    temperature: float | None
    throttle_count: int | None
    throttled_by: tuple[str, ...] | None
    governor: str | None
    megahertz: float | None = None


def read_hardware(system: Path = SYSTEM) -> Hardware:
    """Read the state from sysfs.

    Args:
        system: where sysfs is mounted.
    """
    cpu = system / "devices/system/cpu/cpu0"
    degrees = [
        int(text) / 1000
        for zone in sorted(system.glob("class/thermal/thermal_zone*/temp"))
        if (text := read_text(zone)) is not None and text.lstrip("-").isdigit()
    ]
    clock = read_text(cpu / "cpufreq/scaling_cur_freq")
    count = read_text(cpu / "thermal_throttle/core_throttle_count")
    return Hardware(
        temperature=max(degrees, default=None),
        throttle_count=int(count) if count else None,
        throttled_by=_pi_flags(read_text(system / _PI_THROTTLED)),
        governor=read_text(cpu / "cpufreq/scaling_governor"),
        megahertz=int(clock) / 1000 if clock and clock.isdecimal() else None,
    )


def is_emulated(
    cpuinfo: str, kernel: str, environment: Mapping[str, str] = os.environ, machine: str = ""
) -> bool:
    """Whether this is a program for ARM on another processor, under QEMU: its times say nothing.

    Args:
        cpuinfo: the content of `/proc/cpuinfo`.
        kernel: the content of `/proc/version`.
        environment: of this process.
        machine: as `uname -m` says; this machine's when empty.
    """
    if not (machine or platform.machine()).startswith(("aarch64", "arm")):
        return False
    # QEMU shows the processor that it runs on, or one of its own name; the kernel is always the host's.
    foreign = any(name in cpuinfo for name in ("GenuineIntel", "AuthenticAMD", "QEMU"))
    foreign |= any(name in kernel for name in ("x86_64", "x86-64", "amd64"))
    return foreign or any(name.startswith("QEMU_") for name in environment)


def default_threads() -> int:
    """Threads of an engine when no number is given: all cores, at most 4."""
    return min(len(os.sched_getaffinity(0)), 4)


def read_text(path: Path) -> str | None:
    """The content of a small text file without white space around it; None where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _pi_flags(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    try:
        bits = int(text, 16)
    except ValueError:
        return None
    return tuple(name for number, name in enumerate(_PI_FLAGS) if bits & 1 << number)
