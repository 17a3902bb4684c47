"""The installed commands as processes of their own, as a user runs them.

A command that needs TensorFlow takes seconds to import it. It is forked from a process that has imported it
already, with its own arguments, folder, environment and output files; any other is started from `bin`.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from edge_runtime.core import clock

BIN = Path(sys.executable).parent

WITH_TENSORFLOW = {
    "edge-train": "trainer.cli",
    "edge-convert": "converter.cli",
    "edge-bench": "benchmarks.cli",
    "edge-search": "benchmarks.search_cli",
}
LOADED = ["tensorflow", "keras", "matplotlib.figure", *WITH_TENSORFLOW.values(), "tests.commands"]

_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload(LOADED)


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def fails_with(self, code: int, *words: str) -> None:
        """One line on stderr with these words and no other, and this exit code."""
        assert len(self.err.strip().splitlines()) == 1, self.err
        self.fails_at_last_with(code, *words)

    def fails_at_last_with(self, code: int, *words: str) -> None:
        """The same, after lines about the progress."""
        assert self.code == code, (self.code, self.out, self.err)
        assert all(word in self.err.strip().splitlines()[-1] for word in words), self.err
        assert "Traceback" not in self.err


Command = Callable[..., Finished]


class Running:
    """A command that needs TensorFlow, forked and running.

    Args:
        name: of the command.
        arguments: its arguments.
        folder: its working folder; this one when None.
        environment: its environment.
        prepare: Python code that the forked process runs before the command, to put a fault into it.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[object],
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        prepare: str = "",
    ) -> None:
        self._outputs = tempfile.TemporaryDirectory()
        out, err = Path(self._outputs.name, "out"), Path(self._outputs.name, "err")
        out.touch()
        err.touch()
        self._out, self._err = out, err
        self._process = _FORKSERVER.Process(
            target=_run_forked,
            args=(
                name, [str(each) for each in arguments], folder or Path.cwd(),
                dict(os.environ if environment is None else environment), out, err, prepare,
            ),
        )  # fmt: skip
        self._process.start()

    def wait_for(self, words: str, seconds: float = 120) -> None:
        """Wait until a line on stderr has these words."""
        deadline = clock.now() + seconds
        while words not in self._err.read_text() and self._process.is_alive():
            assert clock.now() < deadline, self._err.read_text()
            time.sleep(0.02)

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self._process.pid or 0, number)

    def finish(self, seconds: float = 180) -> Finished:
        """Wait for the end.

        Raises:
            TimeoutError: it did not end in time, and was killed.
        """
        self._process.join(seconds)
        late = self._process.exitcode is None
        if late:
            self._process.kill()
            self._process.join()
        finished = Finished(self._process.exitcode or 0, self._out.read_text(), self._err.read_text())
        self._outputs.cleanup()
        if late:
            raise TimeoutError(f"it did not end within {seconds} s: {finished.err}")
        return finished


def run_command(
    name: str, arguments: list[str], *, folder: Path | None, timeout: float, environment: dict[str, str]
) -> Finished:
    """Run a command to its end.

    Raises:
        TimeoutError: it did not end in time.
    """
    # What Python and TensorFlow read when they start would have no effect on a forked process.
    same = {**environment, "XDG_CACHE_HOME": ""} == {**os.environ, "XDG_CACHE_HOME": ""}
    if name in WITH_TENSORFLOW and same:
        return Running(name, arguments, folder=folder, environment=environment).finish(timeout)
    done = subprocess.run(
        [str(BIN / name), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=folder,
        env=environment,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def _run_forked(
    name: str,
    arguments: list[str],
    folder: Path,
    environment: dict[str, str],
    out: Path,
    err: Path,
    prepare: str,
) -> None:
    """In the forked process: become the command."""
    for descriptor, path in ((0, Path(os.devnull)), (1, out), (2, err)):
        opened = os.open(path, os.O_RDWR)
        os.dup2(opened, descriptor)
        os.close(opened)
    # The forked process has the streams of the one that it was forked from.
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(each, mode) for each, mode in enumerate("rww"))
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [str(BIN / name), *arguments]
    try:
        exec(prepare, {"__name__": "prepare"})  # noqa: S102 - code of the tests
        import_module(WITH_TENSORFLOW[name]).main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
