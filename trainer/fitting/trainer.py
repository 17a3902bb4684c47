"""Train the phases one after the other, with the history and the best weights as explicit state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from trainer.choices import KeptEpoch
from trainer.fitting.checkpoints import State, restore
from trainer.fitting.epoch import Epoch, is_over
from trainer.fitting.interruption import Interruption
from trainer.fitting.phases import Course, PlannedPhase
from trainer.fitting.progress import TrainingReporter
from trainer.fitting.steps import Phase
from trainer.fitting.train_loop import TrainLoop


@dataclass(frozen=True, eq=False)
class Best:
    """The best epoch so far, with the weights of the network after it."""

    epoch: Epoch
    weights: list[NDArray[Any]]


@dataclass(frozen=True)
class Fitted:
    """What has been trained so far.

    Attributes:
        history: every epoch of every phase.
        best: the best of them, or the last where that is kept; None before the first.
    """

    history: tuple[Epoch, ...] = ()
    best: Best | None = None

    def after(self, epoch: Epoch, model: Any, kept: KeptEpoch = KeptEpoch.BEST) -> "Fitted":
        """The state after one more epoch; copies the weights of the model if the epoch is the one to keep."""
        better = self.best is None or epoch.rank > self.best.epoch.rank
        best = Best(epoch, model.get_weights()) if better or kept is KeptEpoch.LAST else self.best
        return Fitted((*self.history, epoch), best)


class Recorder(Protocol):
    """Stores each epoch when it is over."""

    def record(self, phase: Phase, network: Any, fitted: Fitted) -> None:
        """Store the state after an epoch.

        Raises:
            OutputError: it cannot be written.
        """
        ...


class Trainer:
    """Trains the phases of a course; `fitted` is the state at any moment.

    Args:
        course: the phases.
        recorders: each stores every epoch.
        reporter: shows the progress.

    Attributes:
        fitted: what has been trained so far.
    """

    def __init__(self, course: Course, recorders: Sequence[Recorder], reporter: TrainingReporter) -> None:
        self._course = course
        self._recorders = recorders
        self._reporter = reporter
        self._resumed: State | None = None
        self.fitted = Fitted()

    def resume(self, state: State) -> None:
        """Continue from the state of an interrupted training.

        Raises:
            ModelError: the state is not of this network.
        """
        restore(self._course.network.model.weights, state.weights)
        self.fitted = Fitted(state.history, Best(state.best, state.best_weights))
        self._resumed = state

    def run(self) -> None:
        """Train all phases to their ends.

        Raises:
            DivergedError: the loss is not a finite number.
            KeyboardInterrupt: Ctrl-C; `fitted` has every finished epoch.
        """
        for planned in self._course.phases():
            if not self._is_over(planned):
                self._run_phase(planned)

    def restore_best(self) -> None:
        """Give the network the weights of the best epoch, if there is one."""
        if self.fitted.best is not None:
            self._course.network.model.set_weights(self.fitted.best.weights)

    def _run_phase(self, planned: PlannedPhase) -> None:
        done = sum(epoch.phase == planned.name for epoch in self.fitted.history)
        if not done:
            # A phase starts from the best weights of the earlier ones.
            self.restore_best()
        phase = planned.build()
        if done and self._resumed is not None:
            restore(phase.optimizer.state, self._resumed.optimizer)
        self._reporter.start(planned.name, planned.epochs - done)
        with Interruption() as interruption:

            def step(part: float) -> None:
                self._reporter.step(part)
                interruption.check()

            loop = TrainLoop(phase, step)
            while not self._is_over(planned):
                self._record(phase, loop, loop.run_epoch(len(self.fitted.history) + 1))
                interruption.check()

    def _record(self, phase: Phase, loop: TrainLoop, epoch: Epoch) -> None:
        model = self._course.network.model
        self.fitted = self.fitted.after(epoch, model, self._course.config.kept_epoch)
        loop.continue_training()
        for recorder in self._recorders:
            recorder.record(phase, model, self.fitted)
        # After it is stored, so that a reported epoch survives an interruption.
        self._reporter.epoch(epoch)

    def _is_over(self, planned: PlannedPhase) -> bool:
        patience = self._course.config.patience
        return is_over(planned.name, planned.epochs, self.fitted.history, patience)
