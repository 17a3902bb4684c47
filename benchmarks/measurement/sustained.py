"""Latency over a longer time, with the processor's temperature and clock: does the board slow down?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from benchmarks.measurement.messages import Burst, Timed
from benchmarks.measurement.processes import TargetProcess
from benchmarks.measurement.statistics import Interval, Summary, ratio_of_medians, summarize
from edge_runtime.core import CLOSED, Tick, clock
from edge_runtime.system import read_hardware

LEAST_IMAGES = 1024
"""MLPerf's rule for a single stream: at least so many images, however long that takes."""

WINDOW = 60.0
"""Seconds at the start that are compared with as many at the end."""

_SLICE = 1.0
"""Seconds that are summarized together, with one reading of the hardware."""

_BURST = 10


@dataclass(frozen=True)
class Moment:
    """About a second of a sustained measurement. None where the machine does not report it.

    Attributes:
        at: seconds since the start.
        images: classified in it.
        p50: median latency in milliseconds.
        p90: 90th percentile.
        temperature: of the hottest sensor, in degrees Celsius.
        megahertz: clock of the first core.
        throttled: reasons for throttling at this moment, from a Raspberry Pi's firmware; empty for none.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    at: float
    images: int
    p50: float
    p90: float
    temperature: float | None
    megahertz: float | None
    throttled: tuple[str, ...] | None


@dataclass(frozen=True)
class Sustained:
    """One target at work without a pause.

    Attributes:
        seconds: how long.
        images: how many.
        window: seconds at the start and at the end that are compared.
        first: latency in the first window.
        last: and in the last.
        ratio: of their medians, last / first, with its interval.
        throttle_count: how often the first core was throttled because of heat meanwhile (x86); None where
            that is not counted.
        moments: about one a second.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    seconds: float
    images: int
    window: float
    first: Summary
    last: Summary
    ratio: Interval
    throttle_count: int | None
    moments: tuple[Moment, ...]


def measure_sustained(process: TargetProcess, seconds: float, tick: Tick) -> Sustained:
    """Let a target classify images without a pause, after `Prepare`.

    Args:
        process: of the target.
        seconds: at least; and at least `LEAST_IMAGES`.
        tick: progress callback.

    Raises:
        EdgeError: the target failed.
    """
    started, done = clock.now(), 0
    throttled = read_hardware().throttle_count
    slices: list[tuple[Moment, list[float]]] = []
    while clock.now() - started < seconds or done < LEAST_IMAGES:
        at = clock.now() - started
        latencies: list[float] = []
        while clock.now() - started - at < _SLICE:
            timed = process.ask(Burst(done + len(latencies), _BURST), Timed)
            latencies += [image.total for image in timed.images]
        slices.append((_moment(at, latencies), latencies))
        done += len(latencies)
        passed = clock.now() - started
        tick(int(min(passed / seconds, done / LEAST_IMAGES, 1.0) * 1000), 1000)
    after = read_hardware().throttle_count
    found = summarize_sustained(slices, clock.now() - started)
    counted = None if throttled is None or after is None else after - throttled
    return replace(found, throttle_count=counted)


def summarize_sustained(slices: Sequence[tuple[Moment, list[float]]], seconds: float) -> Sustained:
    """Compare the start with the end.

    Args:
        slices: each moment with its single latencies in milliseconds.
        seconds: how long all of them took.
    """
    window = min(WINDOW, seconds / 4)
    first = [latencies for moment, latencies in slices if moment.at < window]
    last = [latencies for moment, latencies in slices if moment.at >= seconds - window] or [slices[-1][1]]
    return Sustained(
        seconds=seconds,
        images=sum(len(latencies) for _moment, latencies in slices),
        window=window,
        first=summarize(np.concatenate(first)),
        last=summarize(np.concatenate(last)),
        # Latencies of the same second are alike: a second is what is resampled.
        ratio=ratio_of_medians(
            np.array([np.median(each) for each in last]), np.array([np.median(each) for each in first])
        ),
        throttle_count=None,
        moments=tuple(moment for moment, _latencies in slices),
    )


def _moment(at: float, latencies: list[float]) -> Moment:
    hardware = read_hardware()
    p50, p90 = np.percentile(latencies, [50, 90])
    return Moment(
        at=at,
        images=len(latencies),
        p50=float(p50),
        p90=float(p90),
        temperature=hardware.temperature,
        megahertz=hardware.megahertz,
        throttled=hardware.throttled_by,
    )
