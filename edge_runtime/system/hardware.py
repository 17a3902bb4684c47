"""What the board tells about itself: temperature, throttling, the frequency governor."""

from dataclasses import dataclass
from pathlib import Path

SYSTEM = Path("/sys")

# What get_throttled's bits 0 to 3 mean, for the present moment:
# https://www.raspberrypi.com/documentation/computers/os.html#vcgencmd
_PI_FLAGS = ("under-voltage", "capped frequency", "throttled", "soft temperature limit")
_PI_THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"


@dataclass(frozen=True)
class Board:
    """The board's state. None where it does not tell.

    Attributes:
        temperature: of the hottest sensor, in degrees Celsius.
        throttle_count: how often the first core was slowed down because of heat since it was started (x86).
        slowed_by: what slows the processor down now, as a Raspberry Pi's firmware says; empty for nothing.
        governor: of the first core's frequency.
    """

    temperature: float | None
    throttle_count: int | None
    slowed_by: tuple[str, ...] | None
    governor: str | None


def read_board(system: Path = SYSTEM) -> Board:
    """Ask the kernel."""
    cpu = system / "devices/system/cpu/cpu0"
    degrees = [
        int(text) / 1000
        for zone in sorted(system.glob("class/thermal/thermal_zone*/temp"))
        if (text := read_text(zone)) is not None and text.lstrip("-").isdigit()
    ]
    count = read_text(cpu / "thermal_throttle/core_throttle_count")
    return Board(
        temperature=max(degrees, default=None),
        throttle_count=int(count) if count else None,
        slowed_by=_pi_flags(read_text(system / _PI_THROTTLED)),
        governor=read_text(cpu / "cpufreq/scaling_governor"),
    )


def read_text(path: Path) -> str | None:
    """What a small file of the kernel says; None where there is none."""
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
