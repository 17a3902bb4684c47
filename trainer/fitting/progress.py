"""Progress of a training: a bar for each phase in a terminal, one line an epoch elsewhere."""

from typing import Any

from edge_runtime.core import Reporter
from trainer.fitting.epoch import Epoch


class TrainingReporter(Reporter):
    """Reports the progress of a training on stderr."""

    def __init__(self) -> None:
        super().__init__()
        self._phase: Any = None
        self._epochs = 0
        self._done = 0.0
        self._lines = self.lines("")

    def start(self, phase: str, epochs: int) -> None:
        """Start the bar of a phase with this many epochs left."""
        if self._phase is not None:
            self.bars.remove_task(self._phase)
        self._phase = self.bars.add_task(phase, total=epochs)
        self._epochs, self._done = epochs, 0.0
        self._lines = self.lines(phase)

    def step(self, fraction: float) -> None:
        """Report a fraction of an epoch, after a batch."""
        if self._phase is not None:
            self.bars.advance(self._phase, fraction)
        self._done += fraction
        text = f"{self._done:.1f} of {self._epochs} epochs"
        self._lines.update(self._done / max(self._epochs, 1), text)

    def epoch(self, epoch: Epoch) -> None:
        """Report a finished epoch."""
        self._lines.postpone()
        self.say(
            f"{epoch.phase} epoch {epoch.epoch}: loss {epoch.loss:.4f} accuracy {epoch.accuracy:.4f}, "
            f"validation loss {epoch.val_loss:.4f} accuracy {epoch.val_accuracy:.4f} ({epoch.seconds:.1f} s)"
        )
