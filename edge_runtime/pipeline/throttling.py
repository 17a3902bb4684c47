"""Limit how many frames are classified: one out of several, a rate, half the work while it is hot."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from edge_runtime.core import Frame, Say, clock
from edge_runtime.sources import pause
from edge_runtime.system import Hardware, read_hardware

Item = TypeVar("Item")

LOOK_EVERY = 10.0
"""Seconds between two looks at the hardware."""


def every(frames: Iterator[Frame | None], step: int) -> Iterator[Frame | None]:
    """A stage: the first frame, and then one out of `step`; None passes through."""
    number = 0
    for frame in frames:
        if frame is None:
            yield None
            continue
        if number % step == 0:
            yield frame
        number += 1


class Throttle:
    """A stage that waits before it takes the next frame: a camera then gives its newest one, a file waits.

    While a Raspberry Pi's firmware throttles the processor (heat, a weak power supply), each frame is
    followed by a pause as long as its work: at half the work it recovers, and the answers stay fresh.

    Args:
        fps: at most this many frames a second; None for no limit.
        say: shows a line when the rate is halved because of throttling, and when it is restored.
        read: reads the state of the hardware.
    """

    def __init__(self, fps: float | None, *, say: Say, read: Callable[[], Hardware] = read_hardware) -> None:
        self._interval = 1 / fps if fps else 0.0
        self._say = say
        self._read = read
        self._look_at = clock.now()
        self._halved = False

    def __call__(self, frames: Iterator[Item | None]) -> Iterator[Item | None]:
        """The frames, or groups of them, at intervals; None passes through, and is added while this waits."""
        due = clock.now()
        while True:
            yield from pause(due - clock.now())
            started = clock.now()
            for frame in frames:
                handed_over = clock.now()
                yield frame
                if frame is not None:
                    break
            else:
                return
            # The stages behind this one work until they ask for the next frame.
            due = started + self.interval(clock.now() - handed_over)

    def interval(self, work: float) -> float:
        """Seconds from the start of a frame to the start of the next.

        Args:
            work: seconds that the frame's work took.
        """
        if clock.now() >= self._look_at:
            self._look_at = clock.now() + LOOK_EVERY
            self._look()
        return max(self._interval, 2 * work if self._halved else 0.0)

    def _look(self) -> None:
        reasons = self._read().throttled_by or ()
        if reasons and not self._halved:
            self._say(f"the processor is throttled ({', '.join(reasons)}): working at half the rate")
        if self._halved and not reasons:
            self._say("the processor is no longer throttled: working at the full rate")
        self._halved = bool(reasons)
