"""Cameras, streams and videos: frames from a capture process that is killed and restarted when necessary."""

import dataclasses
import random
import sys
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.core import CameraError, Frame, ImageError, Say, SourceError, clock, is_text
from edge_runtime.sources.base import EVENT_SECONDS, Counts, Events, SourceBase, SourceStatus, pause
from edge_runtime.sources.cameras import camera_advice, stable_path
from edge_runtime.sources.capture_client import CaptureClient, LostError
from edge_runtime.sources.capture_messages import CaptureMessage
from edge_runtime.sources.devices import DeviceKind, DeviceRequest

# -P: a numpy.py in the working folder must not be imported.
CAPTURE = (sys.executable, "-P", "-m", "edge_runtime.sources.capture")

OPENING_SECONDS = 30.0
"""Seconds that a device gets to open: an RTSP handshake or a slow USB hub takes many."""

FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0
"""Seconds between attempts to open a lost device: doubled each time."""


@dataclass(frozen=True)
class Patience:
    """When a device counts as lost, and for how long it is opened again.

    Attributes:
        lost_after: seconds without a new frame.
        give_up_after: seconds after which a lost device is lost for good; None for never.
        wait_at_start: whether a device that has never given a frame is opened again too.
        first_delay: seconds before it is opened again for the first time; doubled each time up to
            `LONGEST_DELAY`, and shortened at random by up to a half, so that many do not reconnect at once.
    """

    lost_after: float = 10.0
    give_up_after: float | None = None
    wait_at_start: bool = False
    first_delay: float = FIRST_DELAY


class LiveSource(SourceBase):
    """The newest frame of a camera or a stream, or every frame of a video.

    The device is opened by a child process, so that a driver that hangs or crashes does not affect this one.
    When no new frame comes for a while, the child is killed and another one opens the device, without end.

    Args:
        request: what to open.
        patience: when it is lost.
        say: shows a line when the source opens, is lost, and is back; not for each attempt.
        command: the command line of the capture process.

    Raises:
        SourceError: the name of the file or device is not UTF-8.
    """

    def __init__(
        self,
        request: DeviceRequest,
        *,
        patience: Patience | None = None,
        say: Say,
        command: Sequence[str] = CAPTURE,
    ) -> None:
        super().__init__(request.name)
        if not is_text(request.address):
            raise SourceError(f"{request.name}: the name is not UTF-8, OpenCV cannot open it: rename it")
        self._request = request
        self._patience = patience or Patience()
        self._say = say
        self._command = command
        self._capture: CaptureClient | None = None
        self._counts = Counts()
        self._given = ""
        self._frames = 0
        self._lost_at: float | None = None
        self._attempts = 0

    def events(self) -> Events:
        """See `Source.events`.

        Raises:
            CameraError: it cannot be opened at the start, or is lost for good.
            SourceError: a video that cannot be opened, breaks off, or has no frame.
        """
        while True:
            try:
                frame = yield from self._next()
            except LostError as reason:
                yield from self._recover(str(reason))
                continue
            if frame is None:
                return
            self._found()
            yield frame

    def close(self) -> None:
        """Let the capture process close the device and end it, within two seconds."""
        if self._capture is not None:
            self._capture.close()
            self._forget()

    @property
    def status(self) -> SourceStatus:
        """See `Source.status`; the counts never fall."""
        return SourceStatus(self.name, self._lost_at is not None, self.counts)

    @property
    def counts(self) -> Counts:
        """What happened so far. To be read by the thread that iterates the source."""
        now = self._capture.counters if self._capture else {}
        before = vars(self._counts)
        return Counts(**{name: count + now.get(name, 0) for name, count in before.items()})

    def _next(self) -> Generator[None, None, Frame | None]:
        """The next frame; None at the end of a video."""
        if self._capture is None:
            # Numbers change when a camera is plugged in again; its stable name finds it.
            self._request = stable_path(self._request)
            self._capture = CaptureClient(self._command, self._request)
            yield from self._expect(OPENING_SECONDS, opening=True)
        self._capture.ask()
        message = yield from self._expect(self._patience.lost_after, opening=False)
        if message.shape is None:
            self._ended()
            return None
        try:
            # The process that decodes a stranger's stream is not trusted either.
            image = self._capture.memory.pixels(message.shape).copy()
        except ImageError as error:
            raise LostError(f"the capture process sent a malformed message: {error}") from error
        index, self._frames = self._frames, self._frames + 1
        return Frame(image, index, message.captured_at, message.wall_time, self.name)

    def _expect(self, within: float, *, opening: bool) -> Generator[None, None, CaptureMessage]:
        """Wait for the message that the device is open, or for a frame or the end.

        Raises:
            LostError: it does not come within the time, or the device failed.
        """
        assert self._capture is not None  # noqa: S101 - for mypy: only called with a process
        deadline = clock.now() + within
        repeated = self._capture.counters["repeated"]
        while clock.now() < deadline:
            message = self._capture.receive(min(EVENT_SECONDS, max(0.0, deadline - clock.now())))
            if message is None:
                yield None
            elif message.failed is not None:
                raise LostError(message.failed)
            elif message.opened is not None:
                self._opened(message.opened)
                if opening:
                    return message
            elif message.ended or not opening:
                return message
        if self._capture.counters["repeated"] > repeated:
            raise LostError(f"identical frames for {within:g} s")
        raise LostError(f"no answer within {within:g} s" if opening else f"no new frame for {within:g} s")

    def _ended(self) -> None:
        if self._request.live:
            raise LostError("it gave no more frames")
        if not self._frames:
            raise SourceError(f"{self.name}: no frame in it that can be decoded")

    def _opened(self, given: str) -> None:
        if given != self._given and self._request.live:
            self._say(f"{self.name}: {given}")
        self._given = given

    def _recover(self, reason: str) -> Iterator[None]:
        """Kill the capture process and wait before the next attempt.

        Raises:
            SourceError: it is not to be opened again.
        """
        if self._capture is not None:
            self._capture.kill()
            self._forget()
        if not self._request.live:
            raise SourceError(f"{self.name}: {reason}")
        if not self._frames and not self._patience.wait_at_start:
            raise CameraError(f"{self.name}: {reason}{camera_advice(self._request)}")
        if self._lost_at is None:
            self._lost_at = clock.now()
            self._say(f"{self.name}: lost: {reason}; opening it again until it is back")
        self._give_up(reason)
        delay = min(LONGEST_DELAY, self._patience.first_delay * 2 ** min(self._attempts, 10))
        self._attempts += 1
        self._counts = dataclasses.replace(self._counts, reopened=self._counts.reopened + 1)
        yield from pause(delay * random.uniform(0.5, 1.0))  # noqa: S311 - no secret

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

    def _forget(self) -> None:
        """Add the counters of a capture process that has ended."""
        self._counts = self.counts
        self._capture = None


class VideoSource(LiveSource):
    """Every frame of a video file, decoded in a child process.

    Args:
        path: of the file.
        say: as for `LiveSource`.
    """

    def __init__(self, path: Path, *, say: Say = lambda _line: None) -> None:
        super().__init__(DeviceRequest(DeviceKind.VIDEO, str(path), live=False), say=say)
