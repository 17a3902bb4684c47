"""The parent's side of a capture process: start it, ask it for frames, read its messages, end it."""

import contextlib
import fcntl
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import IO, cast

from edge_runtime.core import SourceError, from_json, to_json
from edge_runtime.sources.base import wait_readable
from edge_runtime.sources.capture_messages import (
    COUNTERS,
    HEADER_BYTES,
    PIXEL_BYTES,
    CaptureMessage,
    SharedMemory,
)
from edge_runtime.sources.devices import DeviceRequest

MAX_MESSAGE_BYTES = 64 * 1024


class LostError(SourceError):
    """The device gives no frames, for a reason for people. Never leaves the source."""


class CaptureClient:
    """A running capture process; `capture_server.py` describes the protocol.

    Args:
        command: its command line, to which the shared memory's descriptor is added.
        request: what it opens.

    Attributes:
        memory: shared with the process.
    """

    def __init__(self, command: Sequence[str], request: DeviceRequest) -> None:
        descriptor = _new_memory()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [*command, str(descriptor)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[descriptor],
            )
            self.memory = SharedMemory(descriptor)
        finally:
            os.close(descriptor)
        self._in = cast(IO[bytes], self._process.stdin)
        self._out = cast(IO[bytes], self._process.stdout)
        self._rest = b""
        self._send(to_json(request).encode("utf-8", "surrogateescape") + b"\n")

    @property
    def counters(self) -> dict[str, int]:
        """The counts of the process, by name."""
        return dict(zip(COUNTERS, map(int, self.memory.counters), strict=True))

    def ask(self) -> None:
        """Ask for a frame.

        Raises:
            LostError: the process is gone.
        """
        self._send(b"n")

    def receive(self, seconds: float) -> CaptureMessage | None:
        """The next message; None if none comes within this time.

        Raises:
            LostError: the process is gone, or sent a malformed message.
        """
        if b"\n" not in self._rest:
            if not wait_readable(self._out.fileno(), seconds):
                return None
            chunk = os.read(self._out.fileno(), 65536)
            if not chunk:
                raise LostError(self._how_it_ended())
            self._rest += chunk
        line, newline, rest = self._rest.partition(b"\n")
        if newline:
            self._rest = rest
            return from_json(
                line, CaptureMessage, name="the capture process sent a malformed message", error=LostError
            )
        if len(line) > MAX_MESSAGE_BYTES:
            raise LostError(f"the capture process sent a malformed message: over {MAX_MESSAGE_BYTES} bytes")
        return None

    def close(self) -> None:
        """Let the process end by itself; kill it if it does not."""
        self._in.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.5)
        self.kill()

    def kill(self) -> None:
        """End the process now. One that the kernel holds in a driver ends when the driver lets it."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        for pipe in (self._in, self._out):
            with contextlib.suppress(OSError):
                pipe.close()

    def _send(self, content: bytes) -> None:
        try:
            self._in.write(content)
            self._in.flush()
        except OSError as error:
            raise LostError(self._how_it_ended()) from error

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "the capture process no longer answers"
        if code < 0:
            return f"the capture process was ended by {signal.Signals(-code).name}"
        return f"the capture process ended with exit code {code}"


def _new_memory() -> int:
    descriptor = os.memfd_create("edge-classify-frame", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, HEADER_BYTES + PIXEL_BYTES)
    # Nobody can shrink it: reading what is no longer there would kill this process.
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return descriptor
