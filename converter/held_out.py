"""The images that converted models are compared on, with the scores that the Keras model gives them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter.config import ConvertConfig
from converter.quantization import (
    CalibrationSet,
    Comparison,
    FittedImages,
    FloatScores,
    RejectionComparison,
    check_held_out,
    choose_samples,
    compare,
    compare_rejection,
    converted_scores,
    read_fitted,
)
from edge_runtime.core import Image, Reporter
from edge_runtime.datasets import TEST, TRAIN, Dataset, Run, Sample, make_unknowns
from edge_runtime.inference import is_kept
from edge_runtime.model import ModelCard

UNKNOWNS = 100
"""Synthetic images of no class of each kind that the rejection is compared on: with 40, chance decided."""

OTHERS = 30
"""Others of each kind, which decide whether ranges are widened."""

_HELD_OUT_JUDGES, _TRAINING_JUDGES = 1000, 500
"""Images that the mean error of the lead of `unknown` is measured on, at most; they are held in memory."""


@dataclass(frozen=True)
class Compared:
    """A converted model beside the Keras model: on all held-out images, by split, and what is rejected."""

    comparison: Comparison
    by_split: dict[str, Comparison]
    rejection: RejectionComparison | None

    def passes(self, config: ConvertConfig) -> bool:
        """Whether the converted model is good enough."""
        return (
            self.comparison.within(config.max_drop)
            and self.comparison.agrees(config.smallest_agreement)
            and (self.rejection is None or self.rejection.within(config.max_drop))
        )


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The held-out images and synthetic images of no class, with the Keras model's scores.

    The judges are images that the lead of `unknown` is corrected by: held-out and training images, no test.
    Other unknowns than those that are compared on decide whether the uniform ones of them widen ranges.
    """

    card: ModelCard
    images: Sequence[Image]
    splits: NDArray[np.str_]
    targets: NDArray[np.int64]
    expected: NDArray[np.float32]
    uniform: tuple[Image, ...]
    others: tuple[Image, ...]
    expected_others: NDArray[np.float32]
    unknowns: tuple[Image, ...]
    expected_unknowns: NDArray[np.float32]
    judges: tuple[Image, ...]
    expected_judges: NDArray[np.float32]
    reporter: Reporter

    @classmethod
    def read(
        cls,
        run: Run,
        dataset: Dataset,
        float_scores: FloatScores,
        calibration: CalibrationSet,
        reporter: Reporter,
    ) -> "HeldOut":
        """Read and check the held-out images, and compute the Keras model's scores."""
        held_out = run.held_out
        samples = held_out or run.split(TRAIN)
        if not held_out:
            reporter.say(
                "the run held no images out: the models are compared on its training images, so expect the "
                "same agreement on new images, not the same accuracy"
            )
        index = {label: position for position, label in enumerate(run.card.labels)}
        images = FittedImages(run.card, dataset, samples)
        with reporter.bar("checking held-out images") as tick:
            check_held_out(run, dataset, tick)
        with reporter.bar("scores of the Keras model") as tick:
            expected = float_scores(images, tick)
        uniform: tuple[Image, ...] = ()
        others: tuple[Image, ...] = ()
        unknowns: tuple[Image, ...] = ()
        judges: tuple[Image, ...] = ()
        if run.card.rejection:
            made = make_unknowns(calibration.images, OTHERS, run.card.seed + 1)
            uniform, others = tuple(made["uniform"]), _join(made)
            unknowns = _join(make_unknowns(calibration.images, UNKNOWNS, run.card.seed))
            judges = _read_judges(run, dataset, samples, reporter)
        return cls(
            card=run.card,
            images=images,
            splits=np.array([sample.split for sample in samples]),
            targets=np.array([index[sample.label] for sample in samples]),
            expected=expected,
            uniform=uniform,
            others=others,
            expected_others=float_scores(others) if others else expected[:0],
            unknowns=unknowns,
            expected_unknowns=float_scores(unknowns) if unknowns else expected[:0],
            judges=judges,
            expected_judges=float_scores(judges) if judges else expected[:0],
            reporter=reporter,
        )

    def count_let_in(self, converted: bytes) -> int:
        """How many of the other unknowns only a converted model takes for images of a class."""
        found = converted_scores(converted, self.card, self.others)
        return int((is_kept(found) & ~is_kept(self.expected_others)).sum())

    def compare(self, converted: bytes) -> Compared:
        """Compare a converted model with the Keras model."""
        labels = self.card.classes
        with self.reporter.bar("scores of the converted model") as tick:
            found = converted_scores(converted, self.card, self.images, tick)
        by_split = {}
        for split in dict.fromkeys(self.splits.tolist()):
            mask = self.splits == split
            by_split[split] = compare(self.expected[mask], found[mask], self.targets[mask], labels)
        rejection = None
        if self.unknowns:
            unknown = converted_scores(converted, self.card, self.unknowns)
            rejection = compare_rejection((self.expected, found), (self.expected_unknowns, unknown))
        return Compared(compare(self.expected, found, self.targets, labels), by_split, rejection)


def _join(made: Mapping[str, Sequence[Image]]) -> tuple[Image, ...]:
    """The images of all kinds."""
    return tuple(image for images in made.values() for image in images)


def _read_judges(
    run: Run, dataset: Dataset, held_out: Sequence[Sample], reporter: Reporter
) -> tuple[Image, ...]:
    """Held-out images that are no test, and training images."""
    train, seen = run.split(TRAIN), [sample for sample in held_out if sample.split not in (TEST, TRAIN)]
    chosen = np.random.default_rng(run.card.seed).permutation(len(seen))[:_HELD_OUT_JUDGES]
    samples = [seen[position] for position in np.sort(chosen)]
    samples += choose_samples(train, min(_TRAINING_JUDGES, len(train)), run.card.seed)
    with reporter.bar("reading images for the threshold") as tick:
        return tuple(read_fitted(run.card, dataset, samples, tick))
