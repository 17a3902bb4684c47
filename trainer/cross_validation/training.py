"""Train on all images of a small data set: what would be chosen by held-out images is chosen out of fold.

Of few images a fifth is too much to give up, and too little to choose by.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import clock
from trainer.cross_validation.head import FeatureCopies, LinearHead, choose_penalty, image_losses
from trainer.data import Fold, fewest_groups, make_folds
from trainer.fitting import Course, Epoch, TrainingReporter, TrainLoop, class_weights
from trainer.network import set_linear_head

FOLDS = 3
"""Each costs a fine-tuning."""

REPEATS = 3
"""Divisions into folds that the head's penalty is chosen by."""


@dataclass(frozen=True)
class Candidate:
    """One way to train, judged by images out of fold.

    Attributes:
        loss: mean cross-entropy.
        accuracy: fraction of right answers.
    """

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Choice:
    """What was chosen by cross-validation: the object of `cross_validation.json`.

    Attributes:
        folds: number of folds.
        images: that were trained on, each held out of one fold.
        penalty: of the head, as of `--head-l2`.
        head: with the frozen base.
        fine_tuned: with fine-tuning after that; None where it was not tried.
        gain: mean decrease of the loss by fine-tuning; 0 where it was not tried.
        gain_error: standard error of the gain over the images.
        fine_tunes: whether the model was fine-tuned.
        seconds: that the choice took.
    """

    folds: int
    images: int
    penalty: float
    head: Candidate
    fine_tuned: Candidate | None
    gain: float
    gain_error: float
    fine_tunes: bool
    seconds: float


@dataclass(frozen=True, eq=False)
class CrossValidated:
    """A training on all images.

    Attributes:
        history: the epochs of the chosen phases; the validation figures are those out of fold.
        scores: of every image by models that were not trained on it, shape (images, classes).
        choice: what was chosen.
    """

    history: tuple[Epoch, ...]
    scores: NDArray[np.float32]
    choice: Choice


def train_by_cross_validation(
    course: Course, groups: NDArray[np.int64], reporter: TrainingReporter
) -> CrossValidated:
    """Choose the head's penalty and whether to fine-tune, and train on all images.

    Args:
        course: the network with pretrained weights, and all images as its training images; the network ends
            trained.
        groups: images of one number are in one fold, shape (images,).
        reporter: shows the progress.

    Raises:
        DivergedError: the loss is not a finite number.
    """
    started = clock.now()
    copies = _cache(course, reporter)
    repeats = _divide(copies, groups, course.config.seed)
    reporter.say(f"choosing the head's penalty by {len(repeats[0])}-fold cross-validation")
    penalty = choose_penalty(copies, repeats)
    fitted = copies.fit(np.arange(len(copies.targets)), penalty)
    scores = copies.score_out_of_fold(repeats[0], penalty)
    # With the penalty of another head the fine-tuning would first change the weights of this one.
    config = dataclasses.replace(course.config, head_l2=penalty)
    tuning = _FineTuning(dataclasses.replace(course, config=config), reporter)
    tried = tuning.try_out_of_fold(copies, repeats[0], penalty) if config.fine_tune_epochs else None
    gain, error = _gain(scores, tried.scores, copies) if tried else (0.0, 0.0)
    choice = Choice(
        folds=len(repeats[0]),
        images=len(copies.targets),
        penalty=penalty,
        head=_judge(scores, copies),
        fine_tuned=_judge(tried.scores, copies) if tried else None,
        gain=gain,
        gain_error=error,
        fine_tunes=gain > error,
        seconds=round(clock.now() - started, 3),
    )
    reporter.say(describe(choice))
    first = _head_epoch(fitted, copies, choice)
    if tried is None or not choice.fine_tunes:
        tuning.restore_base(fitted)
        return CrossValidated((first,), scores, choice)
    return CrossValidated((first, *tuning.train_on_all(fitted, tried)), tried.scores, choice)


def describe(choice: Choice) -> str:
    """One line that says what was chosen, and by which figures."""
    head = f"out of {choice.folds} folds the head has accuracy {choice.head.accuracy:.3f}"
    head += f", loss {choice.head.loss:.3f} (penalty {choice.penalty:.3g})"
    if choice.fine_tuned is None:
        return head
    tuned = f"with fine-tuning {choice.fine_tuned.accuracy:.3f}, {choice.fine_tuned.loss:.3f}"
    change = f"{abs(choice.gain):.3f} ± {choice.gain_error:.3f} {'lower' if choice.gain > 0 else 'higher'}"
    return f"{head}; {tuned}: a loss {change}, {'so' if choice.fine_tunes else 'so not'} fine-tuned"


def _divide(copies: FeatureCopies, groups: NDArray[np.int64], seed: int) -> list[list[Fold]]:
    """Several divisions into folds; fewer folds where a class has fewer groups."""
    count = min(FOLDS, fewest_groups(copies.targets, groups))
    return [make_folds(copies.targets, groups, seed + repeat, count) for repeat in range(REPEATS)]


def _cache(course: Course, reporter: TrainingReporter) -> FeatureCopies:
    config, train = course.config, course.train
    with reporter.fraction_bar("features") as done:
        features = course.features.of_training(config, course.network, train, done)
    weights = class_weights(config, train.targets)
    if weights is None:
        weights = np.ones(course.network.model.output_shape[-1], np.float32)
    rows = np.concatenate(list(features.blocks()))
    return FeatureCopies(
        rows.reshape(features.copies, len(train.targets), -1),
        train.targets,
        weights,
        features.draw.weights(features.copies) if features.draw else None,
    )


def _judge(scores: NDArray[np.float32], copies: FeatureCopies) -> Candidate:
    losses = image_losses(scores, copies.targets, copies.weights)
    return Candidate(float(losses.mean()), float((scores.argmax(axis=1) == copies.targets).mean()))


def _gain(
    head: NDArray[np.float32], tuned: NDArray[np.float32], copies: FeatureCopies
) -> tuple[float, float]:
    """How much lower the loss is with fine-tuning, and the standard error of that over the images."""
    targets, weights = copies.targets, copies.weights
    gains = image_losses(head, targets, weights) - image_losses(tuned, targets, weights)
    return float(gains.mean()), float(gains.std() / max(len(gains) - 1, 1) ** 0.5)


def _head_epoch(head: LinearHead, copies: FeatureCopies, choice: Choice) -> Epoch:
    """The head as a phase of one epoch, for the history."""
    own = _judge(head.scores(copies.features[0]), copies)
    return Epoch(
        phase="head",
        epoch=1,
        loss=own.loss,
        accuracy=own.accuracy,
        val_loss=choice.head.loss,
        val_accuracy=choice.head.accuracy,
        learning_rate=0.0,
        seconds=choice.seconds,
    )


@dataclass(frozen=True, eq=False)
class _Tried:
    """Fine-tuning out of fold: the scores, and the mean loss and accuracy after each epoch."""

    scores: NDArray[np.float32]
    after_epochs: tuple[Candidate, ...]


class _FineTuning:
    """Fine-tuning from the pretrained base and a fitted head, for all epochs.

    Args:
        course: with all images.
        reporter: shows the progress.
    """

    def __init__(self, course: Course, reporter: TrainingReporter) -> None:
        self._course = course
        self._reporter = reporter
        self._start = course.network.model.get_weights()

    def try_out_of_fold(self, copies: FeatureCopies, folds: Sequence[Fold], penalty: float) -> _Tried:
        """Fine-tune once a fold, on the images outside of it."""
        images = self._course.train
        epochs: list[list[Epoch]] = []
        scores = np.zeros((len(copies.targets), len(copies.weights)), np.float32)
        with self._reporter.fraction_bar("cross-validation of fine-tuning") as done:
            part = 1 / len(folds) / self._course.config.fine_tune_epochs
            for train, held_out in folds:
                fold = dataclasses.replace(
                    self._course, train=images.subset(train), validation=images.subset(held_out)
                )
                head = copies.fit(train, penalty)
                loop = self._start_from(fold, head, lambda fraction: done(fraction * part))
                epochs.append([loop.run_epoch(number) for number in self._numbers])
                score = fold.network.score
                scores[held_out] = np.concatenate([score(pixels) for pixels, _targets in fold.validation])
        sizes = [len(held_out) for _train, held_out in folds]
        return _Tried(scores, tuple(_mean(each, sizes) for each in zip(*epochs, strict=True)))

    def train_on_all(self, head: LinearHead, tried: _Tried) -> list[Epoch]:
        """Fine-tune on all images; the last epoch is kept, as out of fold."""
        reporter = self._reporter
        reporter.start("fine-tune", self._course.config.fine_tune_epochs)
        # The figures out of fold replace those of a validation: no image is left for one.
        course = dataclasses.replace(self._course, validation=self._course.train.subset(np.arange(1)))
        loop = self._start_from(course, head, reporter.step)
        history = []
        for number, out_of_fold in zip(self._numbers, tried.after_epochs, strict=True):
            epoch = dataclasses.replace(
                loop.run_epoch(number),
                epoch=number + 1,
                val_loss=out_of_fold.loss,
                val_accuracy=out_of_fold.accuracy,
            )
            history.append(epoch)
            reporter.epoch(epoch)
        return history

    def restore_base(self, head: LinearHead) -> None:
        """Give the network the pretrained base again, and this head."""
        network = self._course.network
        network.model.set_weights(self._start)
        set_linear_head(network, head.kernel, head.bias)

    @property
    def _numbers(self) -> range:
        return range(1, self._course.config.fine_tune_epochs + 1)

    def _start_from(self, course: Course, head: LinearHead, step: Callable[[float], None]) -> TrainLoop:
        """The training at its start, on the images of a course."""
        self.restore_base(head)
        self._loop.start_over(course.fine_tuning_data(), step)
        return self._loop

    @functools.cached_property
    def _loop(self) -> TrainLoop:
        """Compiled once: that takes longer than an epoch of few images."""
        return TrainLoop(self._course.fine_tuning().build(), lambda _fraction: None)


def _mean(epochs: Sequence[Epoch], sizes: Sequence[int]) -> Candidate:
    """The validation figures of one epoch over all folds."""
    return Candidate(
        float(np.average([each.val_loss for each in epochs], weights=sizes)),
        float(np.average([each.val_accuracy for each in epochs], weights=sizes)),
    )
