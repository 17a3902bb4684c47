"""What long work shows: live bars in a terminal, plain lines elsewhere."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

MOST_LINES = 20

Tick = Callable[[int, int], None]
"""Called with how many are done, and of how many."""


def no_tick(_done: int, _total: int) -> None:
    """A tick that tells nobody."""


class Reporter:
    """Tells on stderr how work goes. A context manager."""

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
        """Show one line."""
        self.console.print(message, markup=False)

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
        try:
            yield lambda done, total: self.bars.update(task, completed=done, total=total)
        finally:
            self.bars.remove_task(task)
