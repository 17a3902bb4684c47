"""Run a command: errors become one line and an exit code, the output of libraries is suppressed."""

import contextlib
import io
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import NoReturn

import typer

from edge_runtime.core import (
    DEBUG,
    PACKAGE,
    VERSION,
    EdgeError,
    ExitCode,
    OutputError,
    ReaderGoneError,
    installed_versions,
    module_advice,
    one_line,
    printable,
)


def new_app() -> typer.Typer:
    """A Typer application with help in panels, and without Typer's own tracebacks."""
    return typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)


def run_app(
    make_app: Callable[[], typer.Typer], name: str, arguments: Sequence[str] | None = None
) -> NoReturn:
    """Run a command to its exit.

    An `EdgeError` ends it with one line on stderr and its exit code, wrong usage with 2, SIGTERM with 0,
    Ctrl-C with 130; a reader of stdout that is gone with 0. With `--debug` errors show their traceback;
    `--version` shows the version and runs nothing.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if VERSION in given:
        typer.echo(f"{name} {installed_versions(PACKAGE).get(PACKAGE, 'without an installed package')}")
        raise SystemExit(ExitCode.DONE)
    debug = DEBUG in given
    signal.signal(signal.SIGTERM, _end_quietly)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _occupy_closed_descriptors()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name may contain bytes that are not UTF-8: `\\udcff`, as in JSON.
        sys.stdout.reconfigure(errors="backslashreplace")
    with contextlib.nullcontext() if debug else _quiet_libraries():
        raise SystemExit(_run(make_app, name, given, debug=debug))


def say(message: str) -> None:
    """Show a message that is not the command's output, on stderr."""
    # A server's answer or a file name may contain control characters.
    sys.stderr.write("\n".join(printable(line) for line in message.split("\n")) + "\n")
    sys.stderr.flush()


def _run(make_app: Callable[[], typer.Typer], name: str, given: list[str], *, debug: bool) -> int:
    try:
        code = make_app()(given, prog_name=name, standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
        if code == ExitCode.INTERRUPTED:  # Typer returns it after Ctrl-C, without a message
            say(f"{name}: interrupted")
        return int(code or ExitCode.DONE)
    except typer.TyperException as error:
        say(f"{name}: {one_line(error.format_message())} See {name} --help.")
        return ExitCode.USAGE
    except EdgeError as error:
        if isinstance(error, OutputError) and sys.stdout is not None:
            # Python flushes stdout again at exit: what is left in it is discarded.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, ReaderGoneError):
            return error.exit_code
        if debug:
            raise
        say(f"{name}: {one_line(error)}")
        return error.exit_code
    except ModuleNotFoundError as error:
        if debug:
            raise
        say(f"{name}: {module_advice(error.name)}")
        return ExitCode.USAGE
    except ImportError as error:
        if debug:
            raise
        say(f"{name}: a library cannot be imported, edge-doctor names the remedy: {one_line(error):.300}")
        return ExitCode.USAGE
    except (KeyboardInterrupt, typer.Abort):
        say(f"{name}: interrupted")
        return ExitCode.INTERRUPTED
    except Exception as error:
        if debug:
            raise
        reason = one_line(f"{type(error).__name__}: {error}")
        say(f"{name}: internal error: {reason:.300} (run it again with {DEBUG} and report what it prints)")
        return ExitCode.INTERNAL


def _occupy_closed_descriptors() -> None:
    """Open closed stdin, stdout and stderr, since the next open file would get their descriptor."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - until the process ends


def _end_quietly(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(ExitCode.DONE)


@contextlib.contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Discard what C and C++ libraries print on descriptor 2; Python's stderr keeps the terminal.

    LiteRT, libpng, V4L2 and TensorFlow all write there despite every Python setting.
    """
    warnings.simplefilter("ignore")
    screen = os.dup(sys.stderr.fileno())
    nowhere = os.open(os.devnull, os.O_WRONLY)
    python_stderr = sys.stderr
    sys.stderr.flush()
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = os.fdopen(screen, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(screen, 2)
        sys.stderr = python_stderr
