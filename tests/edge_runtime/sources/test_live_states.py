"""Frames, repeated frames, hangs, crashes, ends and closes of a camera, in any order."""

import os
import shutil
import socket
import sys
import tempfile
import threading
from pathlib import Path
from queue import Empty, Queue

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge_runtime import Frame, LiveSource, Patience
from edge_runtime.core import clock
from edge_runtime.sources import Counts
from edge_runtime.sources.devices import DeviceKind, DeviceRequest
from tests.edge_runtime.processes import children

COMMANDED = (sys.executable, str(Path(__file__).parent / "commanded_camera.py"))
PATIENCE = Patience(lost_after=0.4, wait_at_start=True, first_delay=0.001)
SECONDS = 30.0


class Commands:
    """Sends commands to whichever capture process is connected."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "camera")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.address)
        self._listener.listen()
        self._listener.settimeout(0.05)
        self._queue: Queue[bytes] = Queue()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def send(self, command: bytes) -> None:
        if self._queue.empty():
            self._queue.put(command)

    def close(self) -> None:
        self._done.set()
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        connection: socket.socket | None = None
        command: bytes | None = None
        while not self._done.is_set():
            try:
                newer, _address = self._listener.accept()
            except TimeoutError:
                newer = None
            if newer is not None:
                if connection is not None:
                    connection.close()
                connection = newer
            if connection is None:
                continue
            try:
                command = command or self._queue.get_nowait()
                connection.sendall(command)
                command = None
            except Empty:
                pass
            except OSError:
                # The process has ended: the next one gets the command.
                connection.close()
                connection = None
        if connection is not None:
            connection.close()


class LiveSourceStates(RuleBasedStateMachine):
    """Whatever the camera does, only new frames come, in order, and counts never fall."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.commands = Commands(self.folder)
        self.counts = Counts()
        self.open()

    def open(self) -> None:
        request = DeviceRequest(DeviceKind.CAMERA, self.commands.address, width=64, height=48)
        self.source = LiveSource(request, patience=PATIENCE, say=lambda _line: None, command=COMMANDED)
        self.events = self.source.events()
        self.frames, self.newest, self.counts = 0, 0.0, Counts()

    def step(self) -> Frame | None:
        started = clock.now()
        frame = next(self.events)
        # The loop gets control at least twice a second, and a little later on a busy machine.
        assert clock.now() - started < 3.0
        if frame is not None:
            assert frame.index == self.frames
            assert frame.captured_at > self.newest
            assert frame.image.shape == (48, 64, 3)
            assert not self.source.status.lost
            self.frames, self.newest = self.frames + 1, frame.captured_at
        return frame

    def until_lost(self, command: bytes) -> None:
        before = self.source.counts.reopened
        self.commands.send(command)
        deadline = clock.now() + SECONDS
        while self.source.counts.reopened == before:
            assert clock.now() < deadline
            self.step()
        assert self.source.status.lost

    @rule()
    def frame(self) -> None:
        deadline = clock.now() + SECONDS
        while True:
            self.commands.send(b"f")
            if self.step() is not None:
                return
            assert clock.now() < deadline

    @rule()
    def repeat(self) -> None:
        self.frame()
        self.until_lost(b"r")

    @rule()
    def hang(self) -> None:
        self.until_lost(b"h")

    @rule()
    def crash(self) -> None:
        self.until_lost(b"c")

    @rule()
    def end(self) -> None:
        self.until_lost(b"e")

    @rule()
    def close_and_open(self) -> None:
        self.close()
        self.open()

    @invariant()
    def counts_never_fall(self) -> None:
        if hasattr(self, "source"):
            now = self.source.counts
            assert all(count >= vars(self.counts)[name] for name, count in vars(now).items())
            self.counts = now

    def close(self) -> None:
        started = clock.now()
        self.source.close()
        assert clock.now() - started < 5.0
        assert children(os.getpid(), "commanded_camera") == []

    def teardown(self) -> None:
        if hasattr(self, "source"):
            self.close()
            self.commands.close()
            shutil.rmtree(self.folder)


LiveSourceStates.TestCase.settings = settings(
    max_examples=4,
    stateful_step_count=7,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestLiveSourceStates = pytest.mark.slow(LiveSourceStates.TestCase)
