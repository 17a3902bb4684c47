"""The features of a training's splits: computed once for the weights that the base has."""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

from edge_runtime.datasets import TRAIN
from trainer.config import TrainConfig
from trainer.data import Batches
from trainer.network.classifier import Network
from trainer.network.feature_file import FeatureFile
from trainer.network.features import CachedFeatures, feature_copies, feature_draw, write_features
from trainer.network.forward import build_forward
from trainer.network.teacher import Teacher, join_scores


class FeatureCache:
    """The features of each split by a base, until the base changes.

    The head phase computes them; the evaluation finds them again where no other phase changed the base. Those
    of unchanged images may be known before a training, which then computes those of changed copies only.

    Args:
        folder: on the disk that holds the features.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._base = ""
        self._kept: dict[str, CachedFeatures] = {}

    def of_training(
        self,
        config: TrainConfig,
        network: Network,
        train: Batches,
        done: Callable[[float], None],
        teacher: Teacher | None = None,
    ) -> CachedFeatures:
        """The features of the training images: unchanged, mirrored, and augmented copies.

        Args:
            config: the augmentation.
            network: whose base runs.
            train: the images.
            done: called with each fraction of the work that is done.
            teacher: its scores of each copy are in further columns.

        Raises:
            OutputError: the disk is full.
        """
        self._forget_other_bases(network)
        forward, known = network.forward, self._known(TRAIN, train)
        if teacher is not None:
            forward, known = build_forward(join_scores(network.features, teacher)), None
        file, copies = FeatureFile(self._folder), feature_copies(config)
        features = write_features(file, forward, train, copies, done, unchanged=known)
        self._kept[TRAIN] = dataclasses.replace(features, columns=network.features.output_shape[-1])
        return dataclasses.replace(features, draw=feature_draw(config))

    def of_split(
        self, split: str, network: Network, batches: Batches, done: Callable[[float], None]
    ) -> CachedFeatures:
        """The features of the unchanged images of a split, with statistics of all but training images.

        Args:
            split: its name.
            network: whose base runs, unless it did already.
            batches: the images of the split.
            done: called with each fraction of the work that is done.

        Raises:
            OutputError: the disk is full.
        """
        self._forget_other_bases(network)
        kept = self._known(split, batches)
        if kept is not None:
            done(1)
            return kept.unchanged()
        file = FeatureFile(self._folder)
        features = write_features(
            file, network.forward, batches, [None], done, with_statistics=split != TRAIN
        )
        self._kept[split] = features
        return features

    def knows(self, split: str, network: Network, batches: Batches) -> bool:
        """Whether the features of a split by this base need not be computed."""
        self._forget_other_bases(network)
        return self._known(split, batches) is not None

    def _known(self, split: str, batches: Batches) -> CachedFeatures | None:
        kept = self._kept.get(split)
        same = kept is not None and (kept.share, len(kept.targets)) == (batches.share, len(batches.targets))
        return kept if same else None

    def _forget_other_bases(self, network: Network) -> None:
        base = _fingerprint(network)
        if base != self._base:
            self._base, self._kept = base, {}


def _fingerprint(network: Network) -> str:
    """Of all that decides the features of an image: the weights and the number format."""
    digest = hashlib.sha256(network.base.dtype_policy.name.encode())
    for values in network.features.get_weights():
        digest.update(values.tobytes())
    return digest.hexdigest()
