"""What long work shows: live bars in a terminal, plain lines elsewhere."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edge_runtime.core import clock
from edge_runtime.core.files import printable

MOST_LINES = 20

FIRST_LINE, NEXT_LINES = 3.0, 10.0
"""Seconds after which work that shows no bar tells how far it is, and then how often."""

Tick = Callable[[int, int], None]
"""Called with how many are done, and of how many."""


def no_tick(_done: int, _total: int) -> None:
    """A tick that tells nobody."""


class ProgressLines:
    """Lines about long work, for logs and pipes: after three seconds, then every ten.

    Args:
        title: what is being done.
        say: gets each line.
    """

    def __init__(self, title: str, say: Callable[[str], None]) -> None:
        self._title = title
        self._say = say
        self._started = clock.now()
        self._next = self._started + FIRST_LINE

    def tell(self, fraction: float, what: str = "") -> None:
        """How far the work is.

        Args:
            fraction: of all that is to be done, in [0, 1].
            what: in words; the percentage when empty.
        """
        now = clock.now()
        if now < self._next or not 0 < fraction < 1:
            return
        self._next = now + NEXT_LINES
        left = (now - self._started) * (1 - fraction) / fraction
        self._say(f"{self._title}: {what or f'{fraction:.0%}'}, about {format_seconds(left)} left")

    def told(self) -> None:
        """Another line has just told how far the work is."""
        self._next = clock.now() + NEXT_LINES


def format_seconds(seconds: float) -> str:
    """A duration for people: `40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


class Reporter:
    """Tells on stderr how work goes: bars in a terminal, lines elsewhere. A context manager."""

    def __init__(self) -> None:
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
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()

    def say(self, message: str) -> None:
        """Show one line; names of files in it cannot steer a terminal."""
        self.console.print(printable(message), markup=False)

    def lines(self, title: str) -> ProgressLines:
        """Lines about work, where there is no terminal that shows bars."""
        return ProgressLines(title, (lambda _line: None) if self.console.is_terminal else self.say)

    def say_each(self, title: str, messages: Sequence[str]) -> None:
        """Show a line for each message; of very many only the first."""
        for message in messages[:MOST_LINES]:
            self.say(f"{title}: {message}")
        if len(messages) > MOST_LINES:
            self.say(f"{title}: and {len(messages) - MOST_LINES} more")

    @contextlib.contextmanager
    def bar(self, title: str) -> Iterator[Tick]:
        """A bar that a function fills by telling how many are done, and of how many."""
        task = self.bars.add_task(title, total=None)
        lines = self.lines(title)

        def tick(done: int, total: int) -> None:
            self.bars.update(task, completed=done, total=total)
            lines.tell(done / max(total, 1), f"{done} of {total}")

        try:
            yield tick
        finally:
            self.bars.remove_task(task)
