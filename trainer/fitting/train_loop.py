"""The loop over the epochs of one phase."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import DivergedError, clock
from trainer.fitting.epoch import Epoch
from trainer.fitting.randomness import random_states, restart_randomness
from trainer.fitting.steps import Phase, PhaseData, build_train_step


class TrainLoop:
    """Runs the epochs of one phase, one at a call.

    Args:
        phase: what trains. Its model and optimizer are as the last epoch left them.
        done: called with the fraction of an epoch after each batch.
    """

    def __init__(self, phase: Phase, done: Callable[[float], None]) -> None:
        self._phase = phase
        self._done = done
        self._train = build_train_step(phase)
        parts = (phase.model, phase.augment and phase.augment.pipeline, phase.mix)
        self._random_states = random_states(*(part for part in parts if part is not None))
        self._trained: list[NDArray[Any]] | None = None

    def start_over(self, data: PhaseData, done: Callable[[float], None]) -> None:
        """Begin the phase again on other data, without compiling it again.

        Args:
            data: to learn from. The model is as the caller left it.
            done: see the class.
        """
        self._phase = dataclasses.replace(self._phase, data=data)
        self._phase.optimizer.start_over(data.steps * self._phase.epochs)
        self._done = done
        self._trained = None

    def run_epoch(self, number: int) -> Epoch:
        """Train one epoch, then validate. The model ends with the weights that were validated.

        With `--ema` these are averages; `continue_training` brings back those that they are averages of.

        Args:
            number: of the epoch, over all phases; determines its order and its random numbers.

        Raises:
            DivergedError: the loss is not a finite number.
        """
        phase, data = self._phase, self._phase.data
        started = clock.now()
        # Set at each epoch, so that a resumed training gives the same result as an uninterrupted one.
        restart_randomness(self._random_states, phase.config.seed + number)
        phase.optimizer.read_weights()
        total = np.zeros(3)
        for inputs, targets in data.batches(number):
            total += self._train(inputs, targets, data.penalty_weight)
            self._done(1 / data.steps)
            self._check("loss", float(total[0]), number)
        if phase.config.ema:
            self._trained = phase.model.get_weights()
            phase.optimizer.average_weights()
        phase.before_validation(data.unchanged())
        val_loss, val_accuracy = phase.evaluate(data.validation)
        self._check("validation loss", val_loss, number)
        return Epoch(
            phase=phase.name,
            epoch=number,
            loss=float(total[0] / total[2]),
            accuracy=float(total[1] / total[2]),
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            learning_rate=phase.optimizer.learning_rate,
            seconds=clock.now() - started,
        )

    def continue_training(self) -> None:
        """Give the model the weights that the next epoch continues from."""
        if self._trained is not None:
            self._phase.model.set_weights(self._trained)
            self._trained = None

    def _check(self, name: str, loss: float, epoch: int) -> None:
        if not math.isfinite(loss):
            raise DivergedError(
                f"the {name} is {loss} in epoch {epoch} of phase {self._phase.name}: "
                "lower the learning rate (the best epoch so far is kept)"
            )
