"""What all commands share: one line for an error, the exit code, a screen that libraries do not write on."""

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

from edge_runtime.core.errors import EdgeError, ExitCode, OutputError, ReaderGoneError
from edge_runtime.core.files import printable

DEBUG = "--debug"
DEBUG_HELP = "Show a traceback, and what the libraries themselves print."


def new_app() -> typer.Typer:
    """A Typer application with the toolkit's habits."""
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def run_app(
    make_app: Callable[[], typer.Typer], name: str, arguments: Sequence[str] | None = None
) -> NoReturn:
    """Run a command to its exit.

    An `EdgeError` ends it with one line on stderr and its exit code, wrong usage with 2, SIGTERM with 0,
    Ctrl-C with 130; a reader of stdout that went away with 0. With `--debug` errors show their traceback.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = DEBUG in given
    signal.signal(signal.SIGTERM, _end_quietly)
    _occupy_closed_descriptors()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file's name may hold bytes that are no UTF-8: `\\udcff`, as JSON has it too.
        sys.stdout.reconfigure(errors="backslashreplace")
    with contextlib.nullcontext() if debug else _quiet_libraries():
        raise SystemExit(_run(make_app, name, given, debug=debug))


def say(message: str) -> None:
    """Tell the user something that is not the command's output, on stderr."""
    # A server's answer or a file's name may hold what would steer a terminal.
    sys.stderr.write("\n".join(printable(line) for line in message.split("\n")) + "\n")
    sys.stderr.flush()


def _run(make_app: Callable[[], typer.Typer], name: str, given: list[str], *, debug: bool) -> int:
    try:
        code = make_app()(given, prog_name=name, standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
        if code == ExitCode.INTERRUPTED:  # Typer makes it of Ctrl-C, without a word
            say(f"{name}: interrupted")
        return int(code or ExitCode.DONE)
    except typer.TyperException as error:
        say(f"{name}: {' '.join(error.format_message().split())} See {name} --help.")
        return ExitCode.USAGE
    except EdgeError as error:
        if isinstance(error, OutputError) and sys.stdout is not None:
            # Python flushes stdout once more at exit: what is left in it goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, ReaderGoneError):
            return error.exit_code
        if debug:
            raise
        say(f"{name}: {' '.join(str(error).split())}")
        return error.exit_code
    except ModuleNotFoundError as error:
        if debug:
            raise
        say(f"{name}: {error.name} is not installed: pip install 'edge-classify[train]'")
        return ExitCode.USAGE
    except ImportError as error:
        if debug:
            raise
        say(
            f"{name}: a library cannot be imported, edge-doctor names the remedy: "
            f"{' '.join(str(error).split()):.300}"
        )
        return ExitCode.USAGE
    except (KeyboardInterrupt, typer.Abort):
        say(f"{name}: interrupted")
        return ExitCode.INTERRUPTED
    except Exception as error:
        if debug:
            raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        say(f"{name}: internal error: {reason:.300} (run it again with {DEBUG} and report what it prints)")
        return ExitCode.INTERNAL


def _occupy_closed_descriptors() -> None:
    """Where stdin, stdout or stderr is closed, the next file that is opened would be taken for it."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - until the end


def _end_quietly(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(ExitCode.DONE)


@contextlib.contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Send what C and C++ libraries print on descriptor 2 nowhere; Python's stderr keeps the screen.

    LiteRT, libpng, V4L2 and TensorFlow all write there past every Python setting.
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
