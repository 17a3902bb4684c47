"""The capture child: a process that holds one camera and may be killed at any time.

`LiveSource` starts `python -m edge_runtime.sources MEMORY` and talks to it:

- in on stdin: a line of JSON with the `DeviceRequest`, then one byte for each frame that is wanted; its end
  means: let go of the camera and end;
- out on stdout: a line of JSON for each message, told apart by its keys: `opened`, `shape` (of a frame),
  `ended`, `failed`;
- MEMORY is the descriptor of shared memory: counters, then the pixels of the frame that the last message
  told of. They are the reader's until it asks for the next one, so neither side ever waits for a lock.
"""

import json
import math
import mmap
import os
import resource
import signal
import sys
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import clock
from edge_runtime.core.errors import EdgeError, ImageError
from edge_runtime.sources.devices.drivers import Device, DeviceKind, DeviceRequest, Raw, open_device

COUNTERS = ("read", "dropped", "repeated", "damaged")
HEADER_BYTES = 4096
PIXEL_BYTES = 128 * 1024**2
"""Room for one frame; only what is used takes memory."""

STALE = 1.0
"""A picture that has waited this many seconds is no longer what the camera sees."""

MEMORY_BYTES = 4 * 1024**3
"""Address space of a child that decodes a stream or a video: enough for 8K."""

CLOSING = 1.0
"""Seconds that a device gets to close."""


@dataclass(frozen=True, eq=False)
class _Kept:
    device: Device
    raw: Raw
    captured_at: float
    wall_time: float


class SharedMemory:
    """The counters and the pixels that both sides see."""

    def __init__(self, descriptor: int) -> None:
        self._map = mmap.mmap(descriptor, HEADER_BYTES + PIXEL_BYTES)
        self.counters: NDArray[np.uint64] = np.frombuffer(self._map, np.uint64, len(COUNTERS))

    def pixels(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """The frame in it, as a view.

        Raises:
            ImageError: no frame of this shape has room.
        """
        count = math.prod(shape)
        if len(shape) != 3 or min(shape) < 1 or count > PIXEL_BYTES:
            raise ImageError(f"a frame of {shape}: more than {PIXEL_BYTES // 1024**2} MiB, or nothing")
        return np.frombuffer(self._map, np.uint8, count, HEADER_BYTES).reshape(shape)


class FrameKeeper:
    """Reads a device for ever, in a thread of its own, and hands frames over when they are wanted."""

    def __init__(self, request: DeviceRequest, memory: SharedMemory, tell: Callable[..., None]) -> None:
        self._device: Device | None = None
        self._request = request
        self._memory = memory
        self._tell = tell
        self._state = threading.Condition()
        self._wanted = False
        self._kept: _Kept | None = None
        self._fingerprint: int | None = None

    def want(self) -> None:
        """The reader wants a frame; it gets one as soon as there is one."""
        with self._state:
            self._wanted = True
            if self._kept and self._request.live and clock.now() - self._kept.captured_at > STALE:
                self._kept = None
                self._count("dropped")
            self._hand_over()

    def run(self, open_: Callable[[DeviceRequest], Device]) -> None:
        """Open the device and read it until it ends or breaks; say each of these."""
        try:
            self._device = device = open_(self._request)
            self._tell(opened=device.given)
            while (raw := device.read()) is not None:
                self._keep(device, raw)
            end: dict[str, object] = {"ended": True}
        except EdgeError as error:
            end = {"failed": str(error)}
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, the parent decides
            end = {"failed": f"{type(error).__name__}: {error}"}
        # The last frame is still a frame, if it is asked for in time.
        with self._state:
            self._state.wait_for(lambda: self._kept is None, STALE if self._request.live else None)
        self._tell(**end)

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
        self._tell(shape=image.shape, captured_at=kept.captured_at, wall_time=kept.wall_time)

    def _repeats(self, raw: Raw) -> bool:
        """Whether this is the last picture once more: a dead driver's; real ones differ by noise."""
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


def _limit_memory() -> None:
    """What strangers send may be made to fill the memory."""
    for kind, limit in ((resource.RLIMIT_AS, min(MEMORY_BYTES, sys.maxsize)), (resource.RLIMIT_CORE, 0)):
        _soft, hard = resource.getrlimit(kind)
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (allowed, hard))


def fingerprint(raw: Raw) -> int:
    """A checksum of an encoded picture, or of every eighth row of pixels."""
    return zlib.crc32(raw if isinstance(raw, bytes) else np.ascontiguousarray(raw[::8]).data)


def serve(open_: Callable[[DeviceRequest], Device] = open_device) -> NoReturn:
    """Be the capture child until stdin ends.

    Args:
        open_: opens the device; another one makes a camera with other faults, for tests.
    """
    out = os.fdopen(os.dup(1), "w", buffering=1)
    # Drivers and codecs print: not into the messages.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    lock = threading.Lock()

    def tell(**message: Any) -> None:
        try:
            with lock:
                out.write(json.dumps(message) + "\n")
        except OSError:
            os._exit(0)  # nobody is there any more

    # The parent decides when this process ends, also after a Ctrl-C that reaches both.
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    request = DeviceRequest.from_dict(json.loads(_read_line()))
    if request.kind in (DeviceKind.URL, DeviceKind.VIDEO):
        _limit_memory()
    keeper = FrameKeeper(request, SharedMemory(int(sys.argv[1])), tell)
    # In a thread: while a driver hangs in there, this one still sees that the parent has gone.
    threading.Thread(target=keeper.run, args=(open_,), daemon=True).start()
    while os.read(0, 64):
        keeper.want()
    keeper.close()
    os._exit(0)
