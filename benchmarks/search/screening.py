"""Screen candidates: a linear head on cached features of each, judged by cross-validation."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.search.candidates import Candidate
from benchmarks.search.types import Screened
from converter.quantization import choose_samples
from edge_runtime.core import DatasetError, clock
from edge_runtime.datasets import TRAIN, VALIDATION, Sample
from trainer import Prepared, TrainConfig
from trainer.cross_validation import FeatureCopies, choose_penalty, image_losses
from trainer.data import Batches, Data, Fold, fewest_groups, group_numbers, make_batches, make_folds
from trainer.network import build_network

MAX_IMAGES = 2000
"""Images that a head is judged on: more would cost as much as a fine-tuning."""

FOLDS = 3


@dataclass(frozen=True, eq=False)
class Screening:
    """The images that all candidates are screened by, divided into folds.

    Attributes:
        splits: the images that heads are judged on; none of the test, none that a rejection is fitted on.
        folds: of all of them, the same for every candidate.
    """

    splits: Mapping[str, Sequence[Sample]]
    folds: Sequence[Fold]

    @classmethod
    def prepare(cls, data: Data, seed: int) -> "Screening":
        """Choose the images.

        Raises:
            DatasetError: a class has too few for a cross-validation.
        """
        every = {split: data.split(split) for split in (TRAIN, VALIDATION) if data.split(split)}
        chosen = set(choose_samples([*itertools.chain(*every.values())], MAX_IMAGES, seed))
        # In the order of the splits: a training finds the features of a split that was chosen as a whole.
        splits = {split: [each for each in images if each in chosen] for split, images in every.items()}
        samples = [*itertools.chain(*splits.values())]
        index = {label: position for position, label in enumerate(data.labels)}
        targets = np.array([index[sample.label] for sample in samples], np.int64)
        groups = group_numbers(samples)
        fewest = fewest_groups(targets, groups)
        if fewest < 2:
            raise DatasetError(
                f"{data.dataset.root}: a class has a single image, or images of a single burst, and the "
                "candidates are compared by cross-validation: add images of other scenes"
            )
        return cls(splits, make_folds(targets, groups, seed, min(FOLDS, fewest)))

    def screen(
        self, candidate: Candidate, config: TrainConfig, prepared: Prepared, step: Callable[[float], None]
    ) -> Screened:
        """Judge one candidate.

        Args:
            candidate: the network.
            config: the options of its training.
            prepared: for its training, which finds the features there that are computed here.
            step: called with each fraction of the features that is done.

        Raises:
            ModelError: its weights cannot be downloaded or do not match.
        """
        started = clock.now()
        copies = self._features(config, prepared, step)
        scores = copies.score_out_of_fold(self.folds, choose_penalty(copies, [self.folds]))
        return Screened(
            candidate=candidate,
            images=len(copies.targets),
            accuracy=float((scores.argmax(axis=1) == copies.targets).mean()),
            loss=float(image_losses(scores, copies.targets, copies.weights).mean()),
            seconds=round(clock.now() - started, 3),
        )

    def _features(
        self, config: TrainConfig, prepared: Prepared, step: Callable[[float], None]
    ) -> FeatureCopies:
        labels, loader = prepared.data.labels, prepared.loader
        network = build_network(config, len(labels))
        splits = {
            split: make_batches(loader, samples, labels, config.batch_size)
            for split, samples in self.splits.items()
        }
        total = sum(map(len, splits.values()))

        def compute(split: str, batches: Batches) -> list[NDArray[np.float32]]:
            part = len(batches) / total
            cached = prepared.features.of_split(split, network, batches, lambda done: step(done * part))
            return list(cached.blocks())

        rows = [block for split, batches in splits.items() for block in compute(split, batches)]
        targets = np.concatenate([each.targets for each in splits.values()])
        return FeatureCopies(np.concatenate(rows)[None], targets, np.ones(len(labels), np.float32))


def promising(screened: Sequence[Screened], count: int) -> list[Screened]:
    """The candidates with the lowest loss, which tells more of few images than their right answers."""
    return sorted(screened, key=lambda each: each.loss)[:count]
