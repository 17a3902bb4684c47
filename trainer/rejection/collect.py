"""Compute features and logits of the images that a rejection is fitted on, and fit it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image, Resize
from edge_runtime.datasets import make_extremes, make_unknowns
from trainer.data import Batches, Negatives, make_negative_batches
from trainer.network import CachedFeatures, Network, read_logits
from trainer.rejection.fit import FittedRejection, KnownImages, Rows, UnknownImages, fit_rejection

MAX_IMAGES = 2000
"""Training images that the detectors are fitted on: more cost time and change little."""

SYNTHETIC = 120
"""Synthetic unknowns of each kind."""

NOISY = 300
"""Training images that the detectors also see with noise."""

NOISE = 8.0
"""Standard deviation of the noise of each pixel, of 255: that of a small camera in dim light."""

BATCH = 40


@dataclass(frozen=True)
class RejectionPlan:
    """What a rejection is fitted on.

    Attributes:
        train: the training images.
        train_features: their features.
        held_out: the features of images that neither the weights nor the best epoch were chosen by.
        negatives: images of no class.
        resize: how images are resized to the model's input.
        keep: the fraction of images of the classes to be kept.
        seed: of the synthetic unknowns and the choice of images.
    """

    train: Batches
    train_features: CachedFeatures
    held_out: CachedFeatures
    negatives: Sequence[Negatives]
    resize: Resize
    keep: float
    seed: int


def plan_and_fit(network: Network, plan: RejectionPlan, done: Callable[[float], None]) -> FittedRejection:
    """Fit a rejection for a network.

    Args:
        network: without a rejection, in float32.
        plan: the images.
        done: called with each fraction of the work that is done.
    """
    train, rows = _some(plan)
    negatives = make_negative_batches(plan.negatives, train.loader.size, plan.resize, train.batch_size)
    images = [train.loader.load(sample) for sample in train.samples[:SYNTHETIC]]
    extremes = make_extremes(images[0])
    synthetic = make_unknowns(images, SYNTHETIC, plan.seed) | extremes
    noisy = _add_noise([train.loader.load(sample) for sample in train.samples[:NOISY]], plan.seed)
    work = sum(len(each.samples) for each in negatives) + len(noisy) + sum(map(len, synthetic.values()))

    def features(batches: "Iterable[Sequence[Image] | NDArray[np.uint8]]") -> Rows:
        rows: list[Rows] = []
        for pixels in batches:
            rows.append(network.forward(np.asarray(pixels)))
            done(len(pixels) / work)
        return np.concatenate(rows)

    def unknown(rows: Rows, *, distinct: bool = False) -> UnknownImages:
        return UnknownImages(rows, read_logits(network, rows), distinct)

    held_out = np.concatenate(list(plan.held_out.blocks()))
    collected = [features(pixels for pixels, _targets in each) for each in negatives]
    return fit_rejection(
        np.concatenate([rows, features(_chunks(noisy))]),
        KnownImages(held_out, read_logits(network, held_out), plan.held_out.targets),
        {
            kind: unknown(features(_chunks(unknowns)), distinct=kind in extremes)
            for kind, unknowns in synthetic.items()
        },
        unknown(np.concatenate(collected)) if collected else None,
        fresh=np.concatenate([each.fresh for each in plan.negatives]) if collected else None,
        keep=plan.keep,
        seed=plan.seed,
    )


def _some(plan: RejectionPlan) -> tuple[Batches, Rows]:
    """As many of the training images as the detectors are fitted on, and their features."""
    count = len(plan.train.samples)
    chosen = np.sort(np.random.default_rng(plan.seed).permutation(count)[:MAX_IMAGES])
    return plan.train.subset(chosen), plan.train_features.read(chosen)


def _add_noise(images: Sequence[Image], seed: int) -> list[Image]:
    random = np.random.default_rng(seed)
    noise = (random.normal(0, NOISE, image.shape) for image in images)
    return [
        np.clip(np.rint(image + each), 0, 255).astype(np.uint8)
        for image, each in zip(images, noise, strict=True)
    ]


def _chunks(images: Sequence[Image]) -> Iterable[Sequence[Image]]:
    return (images[start : start + BATCH] for start in range(0, len(images), BATCH))
