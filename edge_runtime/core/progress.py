"""Progress of long work on stderr: bars in a terminal, lines elsewhere."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Self

from edge_runtime.core import clock
from edge_runtime.core.text import printable

MAX_LINES = 20

FIRST_LINE, NEXT_LINES = 3.0, 10.0
"""Seconds until the first line about work without a bar, and between the next ones."""

Say = Callable[[str], None]
"""Shows one line to the user."""

Tick = Callable[[int, int], None]
"""Progress callback: called with how many are done, and of how many."""


def no_tick(_done: int, _total: int) -> None:
    """A progress callback that does nothing."""


class ProgressLines:
    """Lines about long work, for logs and pipes: after three seconds, then every ten.

    Args:
        title: what is being done.
        say: shows each line.
    """

    def __init__(self, title: str, say: Say) -> None:
        self._title = title
        self._say = say
        self._next = clock.now() + FIRST_LINE
        self._first: tuple[float, float] | None = None

    def update(self, fraction: float, text: str = "") -> None:
        """Report how much is done.

        Args:
            fraction: of the whole work, in [0, 1].
            text: shown instead of the percentage.
        """
        now = clock.now()
        # The first step often takes many times longer than those after it: TensorFlow builds its graph then.
        started, at_start = self._first = self._first or (now, fraction)
        if now < self._next or not 0 < fraction < 1:
            return
        self._next = now + NEXT_LINES
        left = ""
        if fraction > at_start:
            seconds = (now - started) * (1 - fraction) / (fraction - at_start)
            left = f", about {format_seconds(seconds)} left"
        self._say(f"{self._title}: {text or f'{fraction:.0%}'}{left}")

    def postpone(self) -> None:
        """Wait again before the next line, since another line has just reported the progress."""
        self._next = clock.now() + NEXT_LINES


def format_seconds(seconds: float) -> str:
    """A duration for people: `40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


class Reporter:
    """Reports the progress of a command on stderr: bars in a terminal, lines elsewhere. A context manager."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Where nothing was shown, stopping would still write an empty line.
        if self.console.is_terminal:
            self.bars.stop()

    def say(self, message: str) -> None:
        """Show one line; file names in it cannot control the terminal."""
        self.console.print(printable(message), markup=False)

    def say_each(self, title: str, messages: Sequence[str]) -> None:
        """Show a line for each message, at most `MAX_LINES` of them."""
        for message in messages[:MAX_LINES]:
            self.say(f"{title}: {message}")
        if len(messages) > MAX_LINES:
            self.say(f"{title}: and {len(messages) - MAX_LINES} more")

    def lines(self, title: str) -> ProgressLines:
        """Lines about work, shown where there is no terminal with bars."""
        return ProgressLines(title, (lambda _line: None) if self.console.is_terminal else self.say)

    @contextlib.contextmanager
    def bar(self, title: str) -> Iterator[Tick]:
        """A bar for work of known size; yields its progress callback."""
        task = self.bars.add_task(title, total=None)
        lines = self.lines(title)

        def tick(done: int, total: int) -> None:
            self.bars.update(task, completed=done, total=total)
            lines.update(done / max(total, 1), f"{done} of {total}")

        try:
            yield tick
        finally:
            self.bars.remove_task(task)

    @contextlib.contextmanager
    def fraction_bar(self, title: str) -> Iterator[Callable[[float], None]]:
        """A bar that is advanced by fractions of the whole work; yields the function that does."""
        task = self.bars.add_task(title, total=1.0)
        lines, done = self.lines(title), [0.0]

        def advance(fraction: float) -> None:
            done[0] += fraction
            self.bars.advance(task, fraction)
            lines.update(done[0])

        try:
            yield advance
        finally:
            self.bars.remove_task(task)
