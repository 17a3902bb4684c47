"""The one clock: durations are monotonic, wall time is only a label."""

import time
from datetime import UTC, datetime


def now() -> float:
    """Monotonic seconds. Only differences mean anything."""
    return time.perf_counter()


def wall_time() -> float:
    """Seconds since 1970 (UTC), for people and logs, never for deadlines."""
    return time.time()


def milliseconds(since: float, until: float) -> float:
    """Milliseconds between two `now()` readings."""
    return (until - since) * 1000.0


def timestamp() -> str:
    """The current wall time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def file_stamp(wall_time: float) -> str:
    """Seconds since 1970 as the start of a file name, UTC, to the millisecond: `20260131-120000.250`."""
    return datetime.fromtimestamp(wall_time, UTC).strftime("%Y%m%d-%H%M%S.%f")[:-3]
