"""Energy: RAPL's counter on x86, the power chip's readings on a Raspberry Pi 5, none elsewhere."""

import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, Self

from edge_runtime.core import clock
from edge_runtime.system import read_text

RAPL = Path("/sys/class/powercap/intel-rapl:0")
SAMPLE_EVERY = 0.1
"""Seconds between two readings of the power chip."""

_READING = re.compile(r"^\s*(\w+)_(A|V)\s+(?:current|volt)\(\d+\)=([0-9.]+)[AV]\s*$", re.MULTILINE)


class EnergyMeter(Protocol):
    """Measures energy. A context manager.

    Attributes:
        name: `RAPL`, `PMIC` or `none`.
    """

    name: str

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def joules(self) -> float | None:
        """Energy since some moment; None where it cannot be measured."""
        ...


def open_meter(
    rapl: Path = RAPL, read_chip: "Callable[[], str | None] | None" = None
) -> "RaplMeter | PowerChipMeter | NoMeter":
    """The meter of this machine.

    Args:
        rapl: the folder of RAPL's counter.
        read_chip: gives what `vcgencmd pmic_read_adc` prints; that program when None.
    """
    if read_text(rapl / "energy_uj"):
        return RaplMeter(rapl)
    read = read_chip or read_power_chip
    if parse_power(read() or "") is not None:
        return PowerChipMeter(read)
    return NoMeter()


def spent(before: float | None, after: float | None) -> float | None:
    """Joules between two readings; None where one is missing."""
    return after - before if before is not None and after is not None else None


def parse_power(text: str) -> float | None:
    """Watts from what `vcgencmd pmic_read_adc` prints: the sum over all rails with a current and a voltage.

    The chip of a Raspberry Pi 5 (Renesas DA9091) measures its outputs: what USB devices take and what the
    chip itself loses is not in it. None where no rail is named.
    """
    found: dict[str, dict[str, float]] = {}
    for rail, unit, value in _READING.findall(text):
        try:
            found.setdefault(rail, {})[unit] = float(value)
        except ValueError:
            return None
    rails = [each["A"] * each["V"] for each in found.values() if len(each) == 2]
    return sum(rails) if rails else None


def read_power_chip() -> str | None:
    """What `vcgencmd pmic_read_adc` prints; None where there is no such program or chip."""
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            [program, "pmic_read_adc"], capture_output=True, text=True, timeout=2, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


class NoMeter:
    """A machine whose energy cannot be measured."""

    name = "none"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def joules(self) -> float | None:
        """See `EnergyMeter.joules`."""
        return None


class RaplMeter:
    """The energy counter of an x86 processor (Running Average Power Limit).

    Args:
        folder: its folder in sysfs.
    """

    name = "RAPL"

    def __init__(self, folder: Path) -> None:
        self._counter = folder / "energy_uj"
        self._range = int(read_text(folder / "max_energy_range_uj") or 0)
        self._last = 0
        self._turns = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def joules(self) -> float | None:
        """See `EnergyMeter.joules`. The counter restarts from 0 now and then."""
        text = read_text(self._counter)
        if text is None or not text.isdecimal():
            return None
        count = int(text)
        self._turns += count < self._last
        self._last = count
        return (count + self._turns * self._range) / 1e6


class PowerChipMeter:
    """The power chip of a Raspberry Pi 5, read all the time in a thread; power times time is energy.

    Args:
        read: gives what `vcgencmd pmic_read_adc` prints.
    """

    name = "PMIC"

    def __init__(self, read: "Callable[[], str | None]") -> None:
        self._read = read
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._state = threading.Lock()
        self._joules = 0.0
        self._watts: float | None = None
        self._at = 0.0

    def __enter__(self) -> Self:
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def joules(self) -> float | None:
        """See `EnergyMeter.joules`; since the last reading the power counts as constant."""
        with self._state:
            if self._watts is None:
                return None
            return self._joules + self._watts * (clock.now() - self._at)

    def _run(self) -> None:
        while not self._end.wait(SAMPLE_EVERY):
            self._sample()

    def _sample(self) -> None:
        watts = parse_power(self._read() or "")
        with self._state:
            now = clock.now()
            if self._watts is not None:
                self._joules += self._watts * (now - self._at)
            self._at = now
            self._watts = watts if watts is not None else self._watts
