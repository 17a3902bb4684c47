"""The one error base, and the exit codes that every command shares."""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a command's exit status means."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    MODEL = 3
    SOURCE = 4
    DATASET = 5
    OUTPUT = 6
    STALL = 7
    DIVERGED = 8
    GATE = 9
    INTERRUPTED = 130


class EdgeError(Exception):
    """Base of every error of this toolkit.

    The message is one line: what was expected, what came, where, and what to do.
    A command prints it on stderr and exits with `exit_code`.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE


class UsageError(EdgeError, ValueError):
    """An option or an argument does not make sense."""


class MissingLibraryError(EdgeError, ImportError):
    """A library that this command needs cannot be imported."""


class ModelError(EdgeError, ValueError):
    """A model file or a run cannot be used."""

    exit_code = ExitCode.MODEL


class SourceError(EdgeError, OSError):
    """A source of frames cannot be opened, or is lost for good."""

    exit_code = ExitCode.SOURCE


class CameraError(SourceError):
    """A camera cannot be opened, or is lost for good."""


class ImageError(SourceError, ValueError):
    """An image is missing, empty, damaged, too large or not an image."""


class DatasetError(EdgeError, ValueError):
    """A data set cannot be used."""

    exit_code = ExitCode.DATASET


class OutputError(EdgeError, OSError):
    """A file or a stream cannot be written."""

    exit_code = ExitCode.OUTPUT


class ReaderGoneError(OutputError):
    """The reader of the output is gone, as `head` goes: a normal end, not a failure."""

    exit_code = ExitCode.DONE


class GateError(EdgeError):
    """A model does not pass a gate."""

    exit_code = ExitCode.GATE


class WorkerError(EdgeError, RuntimeError):
    """One of several workers that train together is gone."""

    exit_code = ExitCode.STALL


class DivergedError(EdgeError, ArithmeticError):
    """The training's loss is no longer a number."""

    exit_code = ExitCode.DIVERGED
