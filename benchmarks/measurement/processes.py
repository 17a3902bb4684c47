"""The parent's side of a target's process."""

import json
import os
import shutil
import subprocess
import sys
from typing import Any, Self

from benchmarks.targets.targets import TargetSpec
from edge_runtime import DatasetError, EdgeError, ExitCode, ModelError, OutputError, SourceError, UsageError
from edge_runtime.core import clock


class TargetGoneError(EdgeError):
    """A target's process has ended by itself."""

    exit_code = ExitCode.STALL


_ERRORS: dict[int, type[EdgeError]] = {
    kind.exit_code: kind for kind in (UsageError, ModelError, SourceError, DatasetError, OutputError)
}


class TargetProcess:
    """One target in a process of its own. A context manager; it ends with the process gone.

    Attributes:
        spec: what it loads.
        cold_start_ms: from starting the process to its first answer.
        loaded: what the process told of the target.
    """

    def __init__(self, spec: TargetSpec, picture: str, *, quiet: bool = True) -> None:
        """Start the process and let it classify one picture.

        Raises:
            ModelError: the target cannot be loaded.
            TargetGoneError: the process ended.
        """
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
            # The yardstick is one core's arithmetic, whatever the library behind it.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        try:
            self.loaded = self.ask("load", spec=vars(spec), picture=picture)
        except BaseException:
            self.close()
            raise
        self.cold_start_ms = clock.milliseconds(started, self.loaded["answered_at"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """One request and its reply.

        Raises:
            EdgeError: the target refused, with its reason and exit code.
            TargetGoneError: the process is gone.
        """
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        if not line:
            raise TargetGoneError(
                f"the process that measures {self.spec.name} ended with status {self._process.wait()}"
                f"{self._advice()}"
            )
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise _ERRORS.get(int(reply.get("exit_code", 0)), ModelError)(reply["error"])
        return reply

    def _advice(self) -> str:
        if self.spec.python is None or hasattr(self, "loaded"):
            return ""
        return f": is edge-classify installed for {self.spec.python}? pip install edge-classify rich"

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
