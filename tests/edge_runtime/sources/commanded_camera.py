"""A capture process whose camera does what it is told over the socket that is its address."""

import os
import signal
import socket
import time

from edge_runtime.sources.capture_server import serve
from edge_runtime.sources.devices import DeviceRequest, Raw
from edge_runtime.sources.devices.pattern import PatternDevice


class CommandedCamera(PatternDevice):
    """Waits for a command before each frame."""

    def __init__(self, request: DeviceRequest) -> None:
        super().__init__(request)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(request.address)
        self._last: Raw | None = None

    def read(self) -> Raw | None:
        command = self._socket.recv(1)
        if command == b"h":
            time.sleep(3600)
        if command == b"c":
            os.kill(os.getpid(), signal.SIGSEGV)
        if command in (b"e", b""):
            return None
        if command == b"f" or self._last is None:
            self._last = super().read()
        return self._last


if __name__ == "__main__":
    serve(CommandedCamera)
