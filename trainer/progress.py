"""What a training shows: live bars in a terminal, one line an epoch elsewhere."""

import contextlib
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from trainer.fitting import Epoch
from trainer.scan import Tick


class Reporter:
    """Tells on stderr how a training goes. A context manager."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._phase: TaskID | None = None

    def __enter__(self) -> "Reporter":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def say(self, message: str) -> None:
        """Show one line."""
        self._console.print(message, markup=False)

    @contextlib.contextmanager
    def bar(self, title: str) -> Iterator[Tick]:
        """A bar that a function fills by telling how many are done, and of how many."""
        task = self._bars.add_task(title, total=None)
        yield lambda done, total: self._bars.update(task, completed=done, total=total)
        self._bars.remove_task(task)

    def start(self, phase: str, epochs: int, steps: int) -> None:
        """A phase begins."""
        self._end_phase()
        self._phase = self._bars.add_task(phase, total=epochs * steps)

    def step(self) -> None:
        """A batch is done."""
        if self._phase is not None:
            self._bars.advance(self._phase)

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is done."""
        self.say(
            f"{epoch.phase} epoch {epoch.epoch}: loss {epoch.loss:.4f} accuracy {epoch.accuracy:.4f}, "
            f"validation loss {epoch.val_loss:.4f} accuracy {epoch.val_accuracy:.4f} ({epoch.seconds:.1f} s)"
        )

    def _end_phase(self) -> None:
        if self._phase is not None:
            self._bars.remove_task(self._phase)
            self._phase = None
