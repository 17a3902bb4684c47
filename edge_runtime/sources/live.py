"""Cameras, streams and videos: frames out of a child process that is killed when it must be."""

import dataclasses
import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime.core import clock
from edge_runtime.core.errors import CameraError, ImageError, SourceError
from edge_runtime.core.types import Frame
from edge_runtime.sources.base import Idle, Say, SourceBase, no_idle
from edge_runtime.sources.cameras import camera_advice, stable_path
from edge_runtime.sources.capture_client import CaptureChild, LostError
from edge_runtime.sources.devices.drivers import DeviceKind, DeviceRequest

# -P: a numpy.py in the working folder is not ours.
CAPTURE = (sys.executable, "-P", "-m", "edge_runtime.sources")

OPENING = 30.0
"""Seconds that a device gets to open: an RTSP handshake or a slow USB hub takes many."""

FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0
"""Seconds between attempts to open a lost device: doubled each time."""

BEAT = 0.5
"""Seconds between two calls of the idle hook."""


@dataclass(frozen=True)
class Patience:
    """When a device counts as lost, and for how long it is tried again.

    Attributes:
        lost_after: seconds without a new frame.
        give_up_after: seconds after which a lost device is lost for good; None for never.
        wait_at_start: whether a device that has never given a frame is tried again too.
        first_delay: seconds before it is opened again for the first time; doubled each time up to
            `LONGEST_DELAY`, and shortened by up to a half by chance, so that many do not knock together.
    """

    lost_after: float = 10.0
    give_up_after: float | None = None
    wait_at_start: bool = False
    first_delay: float = FIRST_DELAY


@dataclass(frozen=True)
class Counts:
    """What a live source has done so far.

    Attributes:
        read: frames that the device gave.
        dropped: of those, thrown away because a newer one came first.
        repeated: of those, the same picture as the one before: no new frames.
        damaged: of those, impossible to decode.
        reopened: how often the device was opened again.
    """

    read: int = 0
    dropped: int = 0
    repeated: int = 0
    damaged: int = 0
    reopened: int = 0


class LiveSource(SourceBase):
    """The newest frame of a camera or a stream, or every frame of a video.

    The device lives in a child process, so that a driver that hangs or crashes takes nothing with it. When no
    new frame comes for a while, the child is killed and another one opens the device, for ever.

    Args:
        request: what to open.
        patience: when it is lost.
        say: gets a line when the source opens, is lost, and is back; not for each attempt.
        idle: called at least twice a second while there is no frame.
        command: the capture child's; another one makes a device with other faults, for tests.
    """

    def __init__(
        self,
        request: DeviceRequest,
        *,
        patience: Patience | None = None,
        say: Say,
        idle: Idle = no_idle,
        command: Sequence[str] = CAPTURE,
    ) -> None:
        self.name = request.name
        self._request = request
        self._patience = patience or Patience()
        self._say = say
        self._idle = idle
        self._command = command
        self._child: CaptureChild | None = None
        self._counts = Counts()
        # Metrics are read in another thread.
        self._counting = threading.RLock()
        self._given = ""
        self._frames = 0
        self._lost_at: float | None = None
        self._attempts = 0

    def __iter__(self) -> Iterator[Frame]:
        while True:
            try:
                frame = self._next()
            except LostError as reason:
                self._recover(str(reason))
                continue
            if frame is None:
                return
            self._found()
            yield frame

    def close(self) -> None:
        """Let the child close the device and end it, within two seconds."""
        if self._child is not None:
            self._child.close()
            self._forget()

    @property
    def counts(self) -> Counts:
        """What happened so far; may be asked for in any thread, and never falls."""
        with self._counting:
            now = self._child.counters if self._child else {}
            before = vars(self._counts)
            return Counts(**{name: count + now.get(name, 0) for name, count in before.items()})

    @property
    def lost(self) -> bool:
        """Whether there is no device at the moment."""
        return self._lost_at is not None

    def _next(self) -> Frame | None:
        """The next frame; None at the end of a video."""
        if self._child is None:
            self._child = CaptureChild(self._command, self._reachable())
            self._expect("opened", within=OPENING)
        self._child.ask()
        message = self._expect("shape", within=self._patience.lost_after)
        if "ended" in message:
            self._ended()
            return None
        try:
            # What has decoded a stranger's stream is not trusted either.
            image = self._child.memory.pixels(tuple(int(side) for side in message["shape"])).copy()
            captured_at, wall_time = float(message["captured_at"]), float(message["wall_time"])
        except (ImageError, KeyError, TypeError, ValueError) as error:
            raise LostError("the process that reads it sends nonsense") from error
        index, self._frames = self._frames, self._frames + 1
        return Frame(image, index, captured_at, wall_time, self.name)

    def _reachable(self) -> DeviceRequest:
        # Numbers change when a camera is plugged in again; its stable name finds it.
        self._request = stable_path(self._request)
        return self._request

    def _expect(self, key: str, *, within: float) -> dict[str, Any]:
        assert self._child is not None  # noqa: S101 - for mypy: only called with a child
        deadline = clock.now() + within
        repeated = self._child.counters["repeated"]
        while clock.now() < deadline:
            message = self._child.hear(min(BEAT, max(0.0, deadline - clock.now())))
            if message is None:
                self._idle()
            elif "failed" in message:
                raise LostError(message["failed"])
            elif "opened" in message:
                self._opened(message["opened"])
                if key == "opened":
                    return message
            elif key in message or "ended" in message:
                return message
        if self._child.counters["repeated"] > repeated:
            raise LostError(f"the same picture again and again for {within:g} s")
        raise LostError(
            f"no new frame for {within:g} s" if key == "shape" else f"no answer within {within:g} s"
        )

    def _ended(self) -> None:
        if self._request.live:
            raise LostError("it gave no more frames")
        if not self._frames:
            raise SourceError(f"{self.name}: no frame in it that can be decoded")

    def _opened(self, given: str) -> None:
        if given != self._given and self._request.live:
            self._say(f"{self.name}: {given}")
        self._given = given

    def _recover(self, reason: str) -> None:
        self._drop_child()
        if not self._request.live:
            raise SourceError(f"{self.name}: {reason}")
        if not self._frames and not self._patience.wait_at_start:
            raise CameraError(f"{self.name}: {reason}{camera_advice(self._request)}")
        if self._lost_at is None:
            self._lost_at = clock.now()
            self._say(f"{self.name}: lost: {reason}; it is tried again until it is back")
        self._give_up(reason)
        delay = min(LONGEST_DELAY, self._patience.first_delay * 2 ** min(self._attempts, 10))
        self._attempts += 1
        with self._counting:
            self._counts = dataclasses.replace(self._counts, reopened=self._counts.reopened + 1)
        self._pause(delay * random.uniform(0.5, 1.0))  # noqa: S311 - no secret

    def _found(self) -> None:
        if self._lost_at is not None:
            seconds = clock.now() - self._lost_at
            self._say(f"{self.name}: back after {seconds:.1f} s, opened {self._attempts} times")
        self._lost_at = None
        self._attempts = 0

    def _give_up(self, reason: str) -> None:
        limit = self._patience.give_up_after
        if limit is not None and self._lost_at is not None and clock.now() - self._lost_at >= limit:
            raise CameraError(f"{self.name}: lost for good after {limit:g} s: {reason}")

    def _pause(self, seconds: float) -> None:
        until = clock.now() + seconds
        while (left := until - clock.now()) > 0:
            self._idle()
            time.sleep(min(left, BEAT))

    def _drop_child(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._forget()

    def _forget(self) -> None:
        """Add the counters of a child that has ended, and let it go, at once for those who ask meanwhile."""
        with self._counting:
            self._counts = self.counts
            self._child = None


class VideoSource(LiveSource):
    """Every frame of a video file, decoded in a child process.

    Raises:
        SourceError: while iterating: OpenCV cannot open it, or it breaks off.
    """

    def __init__(self, path: Path, *, say: Say = lambda _line: None, idle: Idle = no_idle) -> None:
        request = DeviceRequest(DeviceKind.VIDEO, str(path), live=False)
        super().__init__(request, say=say, idle=idle)
