"""What a training shows: a bar for each phase in a terminal, one line an epoch elsewhere."""

from rich.progress import TaskID

from edge_runtime.progress import Reporter
from trainer.fitting import Epoch


class TrainingReporter(Reporter):
    """Tells on stderr how a training goes."""

    def __init__(self) -> None:
        super().__init__()
        self._phase: TaskID | None = None

    def start(self, phase: str, epochs: int, steps: int) -> None:
        """A phase begins."""
        if self._phase is not None:
            self.bars.remove_task(self._phase)
        self._phase = self.bars.add_task(phase, total=epochs * steps)

    def step(self) -> None:
        """A batch is done."""
        if self._phase is not None:
            self.bars.advance(self._phase)

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is done."""
        self.say(
            f"{epoch.phase} epoch {epoch.epoch}: loss {epoch.loss:.4f} accuracy {epoch.accuracy:.4f}, "
            f"validation loss {epoch.val_loss:.4f} accuracy {epoch.val_accuracy:.4f} ({epoch.seconds:.1f} s)"
        )
