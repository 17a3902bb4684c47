"""What a training shows: a bar for each phase in a terminal, one line an epoch elsewhere."""

import contextlib
from collections.abc import Callable, Iterator

from rich.progress import TaskID

from edge_runtime.core.progress import Reporter
from trainer.fitting.train_loop import Epoch


class TrainingReporter(Reporter):
    """Tells on stderr how a training goes."""

    def __init__(self) -> None:
        super().__init__()
        self._phase: TaskID | None = None
        self._epochs = 0
        self._done = 0.0
        self._lines = self.lines("")

    def start(self, phase: str, epochs: int) -> None:
        """A phase begins, or goes on, with so many epochs."""
        if self._phase is not None:
            self.bars.remove_task(self._phase)
        self._phase = self.bars.add_task(phase, total=epochs)
        self._epochs, self._done = epochs, 0.0
        self._lines = self.lines(phase)

    def step(self, share: float) -> None:
        """So much of an epoch has been done by a batch."""
        if self._phase is not None:
            self.bars.advance(self._phase, share)
        self._done += share
        done = f"{self._done:.1f} of {self._epochs} epochs"
        self._lines.tell(self._done / max(self._epochs, 1), done)

    @contextlib.contextmanager
    def amount(self, title: str) -> Iterator[Callable[[float], None]]:
        """A bar that a function advances by shares of the whole."""
        task = self.bars.add_task(title, total=1.0)
        lines, whole = self.lines(title), [0.0]

        def advance(share: float) -> None:
            whole[0] += share
            self.bars.advance(task, share)
            lines.tell(whole[0])

        try:
            yield advance
        finally:
            self.bars.remove_task(task)

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is done."""
        self._lines.told()
        self.say(
            f"{epoch.phase} epoch {epoch.epoch}: loss {epoch.loss:.4f} accuracy {epoch.accuracy:.4f}, "
            f"validation loss {epoch.val_loss:.4f} accuracy {epoch.val_accuracy:.4f} ({epoch.seconds:.1f} s)"
        )
