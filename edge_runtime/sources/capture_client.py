"""The parent's side of a capture child: start it, ask it, hear it, end it."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import IO, Any, cast

from edge_runtime.sources.base import wait_readable
from edge_runtime.sources.capture import COUNTERS, HEADER_BYTES, PIXEL_BYTES, SharedMemory
from edge_runtime.sources.devices.drivers import DeviceRequest

LONGEST_MESSAGE = 64 * 1024


class LostError(Exception):
    """The device gives nothing; the reason is for people. Never leaves the source."""


class CaptureChild:
    """A running capture child; `capture.py` says how the two talk.

    Args:
        command: its command line, to which the shared memory's descriptor is added.
        request: what it opens.
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
        self._tell(json.dumps(request.to_dict()).encode() + b"\n")

    @property
    def counters(self) -> dict[str, int]:
        """The child's counts, by name."""
        return dict(zip(COUNTERS, map(int, self.memory.counters), strict=True))

    def ask(self) -> None:
        """Say that a frame is wanted."""
        self._tell(b"n")

    def hear(self, seconds: float) -> dict[str, Any] | None:
        """The next message; None when there is none for so long.

        Raises:
            LostError: the child is gone, or no longer itself.
        """
        out = self._out
        if b"\n" not in self._rest:
            if not wait_readable(out.fileno(), seconds):
                return None
            chunk = os.read(out.fileno(), 65536)
            if not chunk:
                raise LostError(self._how_it_ended())
            self._rest += chunk
        line, newline, rest = self._rest.partition(b"\n")
        if not newline:
            if len(line) > LONGEST_MESSAGE:
                raise LostError("the process that reads it sends nonsense")
            return None
        self._rest = rest
        try:
            message = json.loads(line)
        except (RecursionError, ValueError) as error:
            raise LostError("the process that reads it sends nonsense") from error
        if not isinstance(message, dict):
            raise LostError("the process that reads it sends nonsense")
        return message

    def close(self) -> None:
        """Let it end by itself; kill it when it does not."""
        self._in.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.5)
        self.kill()

    def kill(self) -> None:
        """End it now. One that the kernel holds in a driver is left to end when the driver lets go."""
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        for pipe in (self._in, self._out):
            with contextlib.suppress(OSError):
                pipe.close()

    def _tell(self, content: bytes) -> None:
        try:
            self._in.write(content)
            self._in.flush()
        except OSError as error:
            raise LostError(self._how_it_ended()) from error

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "the process that reads it no longer answers"
        if code < 0:
            return f"the process that reads it was ended by {signal.Signals(-code).name}"
        return f"the process that reads it ended with {code}"


def _new_memory() -> int:
    descriptor = os.memfd_create("edge-classify-frame", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, HEADER_BYTES + PIXEL_BYTES)
    # Nobody can shrink it: to read what is no longer there would kill this process.
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return descriptor
