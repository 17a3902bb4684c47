"""The parent's side of the process of a target."""

import os
import shutil
import subprocess
import sys
from typing import Self, TypeVar

from benchmarks.measurement.messages import Load, Loaded, Message, Refused
from benchmarks.measurement.wire import format_message, parse_message
from benchmarks.targets import TargetSpec
from edge_runtime.core import (
    DatasetError,
    EdgeError,
    ExitCode,
    ModelError,
    OutputError,
    SourceError,
    UsageError,
    clock,
)

Reply = TypeVar("Reply", bound=Message)


class TargetGoneError(EdgeError):
    """The process of a target has ended by itself."""

    exit_code = ExitCode.STALL


_ERRORS: dict[int, type[EdgeError]] = {
    kind.exit_code: kind for kind in (UsageError, ModelError, SourceError, DatasetError, OutputError)
}


class TargetProcess:
    """One target in a process of its own. A context manager that ends the process.

    Args:
        spec: what it loads.
        image: the file of its first image.
        quiet: discard what the libraries print.

    Attributes:
        spec: what it loads.
        cold_start_ms: from the start of the process to its first answer.
        loaded: engine, threads, size and times of the target.

    Raises:
        EdgeError: the target cannot be loaded, with its exit code.
        TargetGoneError: the process ended.
    """

    def __init__(self, spec: TargetSpec, image: str, *, quiet: bool = True) -> None:
        self.spec = spec
        started = clock.now()
        if spec.python and not shutil.which(spec.python):
            raise UsageError(f"--reader-python {spec.python}: no such program")
        self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [spec.python or sys.executable, "-P", "-m", "benchmarks.measurement.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            text=True,
            # The yardstick is the arithmetic of one core, whatever the library behind it.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        self._is_loaded = False
        try:
            self.loaded = self.ask(Load(spec, image), Loaded)
        except BaseException:
            self.close()
            raise
        self._is_loaded = True
        self.cold_start_ms = clock.milliseconds(started, self.loaded.answered_at)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, request: Message, kind: type[Reply]) -> Reply:
        """Send a request and wait for its reply.

        Raises:
            EdgeError: the target failed, with its reason and exit code.
            TargetGoneError: the process is gone.
        """
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018
        try:
            self._process.stdin.write(format_message(request))
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            raise TargetGoneError(
                f"the process that measures {self.spec.name} ended with exit code {self._process.wait()}"
                f"{self._advice()}"
            )
        reply = parse_message(line)
        if isinstance(reply, Refused):
            raise _ERRORS.get(reply.exit_code, ModelError)(reply.error)
        if not isinstance(reply, kind):
            raise TargetGoneError(f"the process that measures {self.spec.name} sent an unexpected reply")
        return reply

    def close(self) -> None:
        """End the process."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _advice(self) -> str:
        if self.spec.python is None or self._is_loaded:
            return ""
        return f": is edge-classify installed for {self.spec.python}? pip install edge-classify"
