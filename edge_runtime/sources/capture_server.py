"""The capture process: holds one camera, and may be killed at any time.

`LiveSource` starts `python -m edge_runtime.sources.capture MEMORY` and talks to it:

- stdin: a line of JSON with the `DeviceRequest`, then one byte for each frame that is wanted; at its end the
  process releases the camera and ends;
- stdout: a line of JSON for each `CaptureMessage`;
- MEMORY is the descriptor of shared memory: counters, then the pixels of the frame that the last message
  announced. They belong to the reader until it asks for the next one, so neither side waits for a lock.
"""

import os
import signal
import sys
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from edge_runtime.core import EdgeError, ImageError, UsageError, clock, from_json, to_json
from edge_runtime.sources.capture_messages import COUNTERS, CaptureMessage, SharedMemory
from edge_runtime.sources.devices import Device, DeviceKind, DeviceRequest, Raw
from edge_runtime.sources.devices.opening import open_device
from edge_runtime.system import limit_resources

STALE = 1.0
"""A frame that has waited this many seconds is no longer what the camera sees."""

MEMORY_BYTES = 4 * 1024**3
"""Address space of a process that decodes a stream or a video: enough for 8K."""

CLOSING = 1.0
"""Seconds that a device gets to close."""


@dataclass(frozen=True, eq=False)
class _Kept:
    device: Device
    raw: Raw
    captured_at: float
    wall_time: float


class FrameKeeper:
    """Reads a device without pause, in a thread of its own, and hands frames over when they are wanted.

    Args:
        request: what is opened.
        memory: shared with the reader.
        send: sends a message to the reader.
    """

    def __init__(
        self, request: DeviceRequest, memory: SharedMemory, send: Callable[[CaptureMessage], None]
    ) -> None:
        self._device: Device | None = None
        self._request = request
        self._memory = memory
        self._send = send
        self._state = threading.Condition()
        self._wanted = False
        self._kept: _Kept | None = None
        self._fingerprint: int | None = None

    def want(self) -> None:
        """Note that the reader wants a frame; it gets one as soon as there is one."""
        with self._state:
            self._wanted = True
            if self._kept and self._request.live and clock.now() - self._kept.captured_at > STALE:
                self._kept = None
                self._count("dropped")
            self._hand_over()

    def run(self, open_: Callable[[DeviceRequest], Device]) -> None:
        """Open the device and read it until it ends or fails; send a message for each of these."""
        try:
            self._device = device = open_(self._request)
            self._send(CaptureMessage(opened=device.given))
            while (raw := device.read()) is not None:
                self._keep(device, raw)
            end = CaptureMessage(ended=True)
        except EdgeError as error:
            end = CaptureMessage(failed=str(error))
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, the parent decides
            end = CaptureMessage(failed=f"{type(error).__name__}: {error}")
        # The last frame is still a frame, if it is asked for in time.
        with self._state:
            self._state.wait_for(lambda: self._kept is None, STALE if self._request.live else None)
        self._send(end)

    def close(self) -> None:
        """Close the device, if it lets itself be closed within `CLOSING` seconds."""
        if self._device is not None:
            closing = threading.Thread(target=self._device.close, daemon=True)
            closing.start()
            closing.join(CLOSING)

    def _keep(self, device: Device, raw: Raw) -> None:
        kept = _Kept(device, raw, clock.now(), clock.wall_time())
        self._count("read")
        if self._repeats(raw):
            self._count("repeated")
            return
        self._wait_until_taken()
        with self._state:
            if self._kept is not None:
                self._count("dropped")
            self._kept = kept
            self._hand_over()

    def _wait_until_taken(self) -> None:
        with self._state:
            self._state.wait_for(lambda: self._request.live or self._kept is None)

    def _hand_over(self) -> None:
        if not self._wanted or self._kept is None:
            return
        kept, self._kept = self._kept, None
        self._state.notify()
        try:
            image = kept.device.to_rgb(kept.raw)
            np.copyto(self._memory.pixels(image.shape), image)
        except ImageError:
            self._count("damaged")
            return
        self._wanted = False
        height, width, channels = image.shape
        self._send(
            CaptureMessage(
                shape=(height, width, channels), captured_at=kept.captured_at, wall_time=kept.wall_time
            )
        )

    def _repeats(self, raw: Raw) -> bool:
        """Whether this is the previous image again, from a dead driver; real ones differ by noise."""
        if not (self._request.live and self._request.skip_repeated):
            return False
        before, self._fingerprint = self._fingerprint, fingerprint(raw)
        return before == self._fingerprint

    def _count(self, name: str) -> None:
        self._memory.counters[COUNTERS.index(name)] += np.uint64(1)


def _read_line() -> bytes:
    """The first line of stdin, and not a byte more: what follows is read from the descriptor."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line


def fingerprint(raw: Raw) -> int:
    """A checksum of an encoded image, or of every eighth row of pixels."""
    return zlib.crc32(raw if isinstance(raw, bytes) else np.ascontiguousarray(raw[::8]).data)


def serve(open_: Callable[[DeviceRequest], Device] = open_device) -> NoReturn:
    """Run the capture process until stdin ends.

    Args:
        open_: opens the device.
    """
    out = os.fdopen(os.dup(1), "w", buffering=1)
    # Drivers and codecs print on stdout: not between the messages.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    lock = threading.Lock()

    def send(message: CaptureMessage) -> None:
        try:
            with lock:
                out.write(to_json(message) + "\n")
        except OSError:
            os._exit(0)  # the reader is gone

    # The parent decides when this process ends, also after a Ctrl-C that reaches both.
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    request = from_json(_read_line(), DeviceRequest, name="request", error=UsageError)
    if request.kind in (DeviceKind.URL, DeviceKind.VIDEO):
        limit_resources(memory_bytes=MEMORY_BYTES)
    keeper = FrameKeeper(request, SharedMemory(int(sys.argv[1])), send)
    # In a thread: while a driver hangs there, this one still notices that the parent is gone.
    threading.Thread(target=keeper.run, args=(open_,), daemon=True).start()
    while os.read(0, 64):
        keeper.want()
    keeper.close()
    os._exit(0)
