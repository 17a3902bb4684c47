"""A capture child whose camera has the fault that the address names; run with the shared memory's number."""

import ctypes
import itertools
import os
import time
from pathlib import Path

import numpy as np

from edge_runtime.sources.capture_server import serve
from edge_runtime.sources.devices import Device, DeviceRequest, Raw
from edge_runtime.sources.devices.pattern import PatternDevice

GOOD_FRAMES = 5


class FaultyCamera(PatternDevice):
    """A hundred frames a second, and after a few of them the fault."""

    def __init__(self, request: DeviceRequest) -> None:
        super().__init__(request)
        self._fault, _, self._argument = request.address.partition("=")
        self._numbers = itertools.count()
        self._last: Raw | None = None
        if self._fault == "never-opens":
            time.sleep(3600)
        if self._fault == "opens-late":
            mark = Path(self._argument)
            if not mark.exists():
                raise RuntimeError("not plugged in")

    def read(self) -> Raw | None:
        time.sleep(0.01)
        number = next(self._numbers)
        if number >= GOOD_FRAMES and self._fault in (
            "frozen",
            "hangs",
            "hangs-hard",
            "crashes",
            "ends",
            "raises",
            "lies",
        ):
            return self._fail()
        self._last = super().read()
        if self._fault == "resizes":
            self._last = np.ascontiguousarray(np.asarray(self._last)[: 16 + 8 * (number % 3)])
        return self._last

    def _fail(self) -> Raw | None:
        if self._fault == "hangs":
            time.sleep(3600)
        if self._fault == "hangs-hard":
            # A C function that keeps Python's lock, as a bad driver's binding does.
            ctypes.PyDLL(None).sleep(3600)
        if self._fault == "lies":
            # A decoder that a hostile stream has taken over.
            for link in Path("/proc/self/fd").iterdir():
                if int(link.name) > 2 and str(link.readlink()).startswith("pipe:"):
                    os.write(int(link.name), self._argument.encode() + b"\n")
            time.sleep(3600)
        if self._fault == "crashes":
            ctypes.string_at(0)
        if self._fault == "raises":
            raise OSError("the cable is loose")
        return self._last if self._fault == "frozen" else None


def open_faulty(request: DeviceRequest) -> Device:
    return FaultyCamera(request)


if __name__ == "__main__":
    serve(open_faulty)
