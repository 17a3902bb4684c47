"""The installed commands as processes of their own, as a user runs them.

A command that needs TensorFlow takes seconds to import it. It is forked from a process that has imported it
already, with its own arguments, folder, environment and output files; any other is started from `bin`.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

BIN = Path(sys.executable).parent

WITH_TENSORFLOW = {
    "edge-train": "trainer.cli",
    "edge-convert": "converter.cli",
    "edge-bench": "benchmarks.cli",
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


def run_command(
    name: str, arguments: list[str], *, folder: Path | None, timeout: float, environment: dict[str, str]
) -> Finished:
    """Run a command to its end.

    Raises:
        subprocess.TimeoutExpired: it did not end in time.
    """
    # What Python and TensorFlow read when they start would have no effect on a forked process.
    same = all(environment.get(key) == value for key, value in os.environ.items() if key != "XDG_CACHE_HOME")
    if name in WITH_TENSORFLOW and same and len(environment) <= len(os.environ) + 1:
        return _fork(name, arguments, folder, timeout, environment)
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


def _fork(
    name: str, arguments: list[str], folder: Path | None, timeout: float, environment: dict[str, str]
) -> Finished:
    with tempfile.TemporaryDirectory() as outputs:
        out, err = Path(outputs, "out"), Path(outputs, "err")
        # mypy does not know that this context's Process takes these arguments.
        process = _FORKSERVER.Process(
            target=_run_forked, args=(name, arguments, folder or Path.cwd(), environment, out, err)
        )
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([name, *arguments], timeout, out.read_text(), err.read_text())
        return Finished(process.exitcode, out.read_text(), err.read_text())


def _run_forked(
    name: str, arguments: list[str], folder: Path, environment: dict[str, str], out: Path, err: Path
) -> None:
    """In the forked process: become the command."""
    for descriptor, path in ((0, Path(os.devnull)), (1, out), (2, err)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(opened, descriptor)
        os.close(opened)
    # The forked process has the streams of the one that it was forked from.
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(each, mode) for each, mode in enumerate("rww"))
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [str(BIN / name), *arguments]
    try:
        import_module(WITH_TENSORFLOW[name]).main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
