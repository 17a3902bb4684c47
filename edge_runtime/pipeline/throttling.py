"""How many frames are classified: each, every so many, at most so many a second, fewer when it is hot."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from edge_runtime.core import clock
from edge_runtime.core.types import Frame
from edge_runtime.sources.base import Idle, no_idle
from edge_runtime.system.hardware import Board, read_board

SLICE = 0.5
LOOK_EVERY = 10.0


def every(frames: Iterable[Frame], step: int) -> Iterator[Frame]:
    """The first frame, and then one out of `step`."""
    return islice(frames, 0, None, step)


class Pace:
    """Seconds from the start of one frame to the start of the next, at least.

    While a Raspberry Pi's firmware slows the processor down (heat, a weak power supply), it gets a pause as
    long as its work took: at half the work it recovers, and the answers stay fresh.

    Args:
        fps: at most so many frames a second; None for no limit.
        say: gets a line when heat slows the work down, and when it no longer does.
        board: reads the board's state.
    """

    def __init__(
        self, fps: float | None, *, say: Callable[[str], None], board: Callable[[], Board] = read_board
    ) -> None:
        self._interval = 1 / fps if fps else 0.0
        self._say = say
        self._board = board
        self._look_at = clock.now()
        self._work = 0.0
        self.slowed = False

    def worked(self, seconds: float) -> None:
        """Tell how long the last frame took."""
        self._work = seconds

    def interval(self) -> float:
        """Seconds between the starts of this frame and the next."""
        if clock.now() >= self._look_at:
            self._look_at = clock.now() + LOOK_EVERY
            self._look()
        return max(self._interval, 2 * self._work if self.slowed else 0.0)

    def _look(self) -> None:
        reasons = self._board().slowed_by or ()
        if reasons and not self.slowed:
            self._say(f"the board slows the processor down ({', '.join(reasons)}): working at half the rate")
        if self.slowed and not reasons:
            self._say("the board no longer slows the processor down: working at the full rate")
        self.slowed = bool(reasons)


def paced(frames: Iterable[Frame], pace: Pace, idle: Idle = no_idle) -> Iterator[Frame]:
    """Wait before the next frame is taken. A camera then gives its newest one; a file waits.

    Args:
        frames: a source.
        pace: asked anew for each frame.
        idle: called at least twice a second while waiting.
    """
    taken = iter(frames)
    due = clock.now()
    while True:
        while (left := due - clock.now()) > 0:
            idle()
            time.sleep(min(left, SLICE))
        started = clock.now()
        try:
            frame = next(taken)
        except StopIteration:
            return
        yield frame
        due = started + pace.interval()
