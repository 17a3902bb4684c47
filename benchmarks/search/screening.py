"""Screen candidates: a linear head on cached features of each, judged by cross-validation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.search.candidates import Candidate
from benchmarks.search.types import Screened
from converter.quantization import choose_samples
from edge_runtime.core import DatasetError, clock
from edge_runtime.datasets import TRAIN, VALIDATION, Sample
from trainer import TrainConfig
from trainer.cross_validation import FeatureCopies, choose_penalty, image_losses
from trainer.data import Data, Fold, ImageLoader, fewest_groups, group_numbers, make_batches, make_folds
from trainer.network import build_forward, build_network, extract_features

MAX_IMAGES = 2000
"""Images that a head is judged on: more would cost as much as a fine-tuning."""

FOLDS = 3


@dataclass(frozen=True, eq=False)
class Screening:
    """The images that all candidates are screened by, divided into folds.

    Attributes:
        data: all images.
        samples: those that heads are judged on; none of the test, none that a rejection is fitted on.
        folds: the same for every candidate.
    """

    data: Data
    samples: tuple[Sample, ...]
    folds: Sequence[Fold]

    @classmethod
    def prepare(cls, data: Data, seed: int) -> "Screening":
        """Choose the images.

        Raises:
            DatasetError: a class has too few for a cross-validation.
        """
        samples = choose_samples([*data.split(TRAIN), *data.split(VALIDATION)], MAX_IMAGES, seed)
        index = {label: position for position, label in enumerate(data.labels)}
        targets = np.array([index[sample.label] for sample in samples], np.int64)
        groups = group_numbers(samples)
        fewest = fewest_groups(targets, groups)
        if fewest < 2:
            raise DatasetError(
                f"{data.dataset.root}: a class has a single image, or images of a single burst, and the "
                "candidates are compared by cross-validation: add images of other scenes"
            )
        return cls(data, samples, make_folds(targets, groups, seed, min(FOLDS, fewest)))

    def loader(self, image_size: int, options: TrainConfig) -> ImageLoader:
        """Reads the images at a size; candidates of one size share it and the images it has cached."""
        return ImageLoader(self.data.dataset, (image_size, image_size), options.resize)

    def screen(
        self, candidate: Candidate, config: TrainConfig, loader: ImageLoader, step: Callable[[float], None]
    ) -> Screened:
        """Judge one candidate.

        Args:
            candidate: the network.
            config: the options of its training.
            loader: of its size.
            step: called with each fraction of the features that is done.

        Raises:
            ModelError: its weights cannot be downloaded or do not match.
        """
        started = clock.now()
        copies = self._features(config, loader, step)
        scores = copies.score_out_of_fold(self.folds, choose_penalty(copies, [self.folds]))
        return Screened(
            candidate=candidate,
            images=len(self.samples),
            accuracy=float((scores.argmax(axis=1) == copies.targets).mean()),
            loss=float(image_losses(scores, copies.targets, copies.weights).mean()),
            seconds=round(clock.now() - started, 3),
        )

    def _features(
        self, config: TrainConfig, loader: ImageLoader, step: Callable[[float], None]
    ) -> FeatureCopies:
        labels = self.data.labels
        batches = make_batches(loader, self.samples, labels, config.batch_size)
        forward = build_forward(build_network(config, len(labels)).features)
        features = extract_features(forward, batches, [None], step)
        return FeatureCopies(features, batches.targets, np.ones(len(labels), np.float32))


def promising(screened: Sequence[Screened], count: int) -> list[Screened]:
    """The candidates with the lowest loss, which tells more of few images than their right answers."""
    return sorted(screened, key=lambda each: each.loss)[:count]
