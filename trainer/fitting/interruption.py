"""Ctrl-C between two batches: one that is raised inside TensorFlow can end the process with a crash."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class Interruption:
    """Delays Ctrl-C until `check` is called, or until the end of the block; a second one is not delayed.

    Outside the main thread, and where SIGINT has another handler than Python's own, it does nothing.
    """

    def __init__(self) -> None:
        self._asked = False
        self._delays = False

    def __enter__(self) -> "Interruption":
        main = threading.current_thread() is threading.main_thread()
        self._delays = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if self._delays:
            signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, traceback: TracebackType | None) -> None:
        self._restore()
        if kind is None:
            self.check()

    def check(self) -> None:
        """Raise what was delayed.

        Raises:
            KeyboardInterrupt: Ctrl-C.
        """
        if self._asked:
            self._asked = False
            raise KeyboardInterrupt

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        self._restore()

    def _restore(self) -> None:
        if self._delays:
            self._delays = False
            signal.signal(signal.SIGINT, signal.default_int_handler)
