"""The illustrations of a run: plots, mistakes, augmented versions; example images to try the model on."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge_runtime.core import Image, write_file
from edge_runtime.images import draw_heatmap, encode_png
from trainer.config import TrainConfig
from trainer.data import Batches, build_augmentation
from trainer.evaluation import EvaluatedSplit
from trainer.fitting import Epoch
from trainer.network import Network, measure_activation
from trainer.rejection import FittedRejection
from trainer.report.plots import draw_confusion, draw_curves, draw_grid, draw_margins

MISTAKES = 9
EXAMPLES = 10


def draw_illustrations(
    config: TrainConfig,
    history: Sequence[Epoch],
    train: Batches,
    held_out: EvaluatedSplit,
    network: Network,
    rejection: FittedRejection | None = None,
) -> dict[str, bytes]:
    """The PNGs of a run, by the names of their files.

    Args:
        config: the options.
        history: every epoch.
        train: the training images.
        held_out: the images whose mistakes are shown.
        network: without a rejection, in float32.
        rejection: of images of no class, if there is one.
    """
    drawn = {
        "curves.png": draw_curves(history),
        "confusion_matrix.png": _confusion(held_out),
        "mistakes.png": _mistakes(held_out, network),
        "augmentation.png": _augmented(config, train),
    }
    if rejection is not None:
        title = (
            f"Images of the classes and images of no class: {config.unknown_label!r} left of the threshold"
        )
        drawn["rejection.png"] = draw_margins(rejection.known, rejection.unknown, title)
    return drawn


def write_examples(folder: Path, held_out: EvaluatedSplit) -> None:
    """Write a held-out image of each class, to try the model on."""
    for position in held_out.first_of_each_class(EXAMPLES):
        label = held_out.labels[held_out.targets[position]]
        name = f"{held_out.targets[position]:04d}-{re.sub(r'[^0-9A-Za-z-]+', '_', label)[:40]}.png"
        write_file(folder / name, encode_png(held_out.image(position)))


def _confusion(held_out: EvaluatedSplit) -> bytes:
    from sklearn.metrics import confusion_matrix

    found = held_out.scores.argmax(axis=1)
    matrix = confusion_matrix(held_out.targets, found, labels=range(len(held_out.labels)))
    return draw_confusion(matrix, held_out.labels, f"{held_out.split}: {len(found)} images")


def _mistakes(held_out: EvaluatedSplit, network: Network) -> bytes:
    wrong = held_out.most_confident_mistakes(MISTAKES)
    images = [held_out.image(position) for position in wrong]
    captions = [_describe(held_out, position) for position in wrong]
    title = (
        f"The mistakes with the highest scores on {held_out.split}"
        if wrong
        else f"No mistakes on {held_out.split}"
    )
    if images:
        images = _beside_heatmaps(network, images, [int(held_out.scores[each].argmax()) for each in wrong])
    return draw_grid(images, captions, 3, title)


def _beside_heatmaps(network: Network, images: list[Image], targets: list[int]) -> list[Image]:
    """Each image beside where the evidence for its class is; as it is where the feature map has one place."""
    evidence = measure_activation(network, images, targets)
    if evidence[0].size == 1:
        return images
    pairs = zip(images, evidence, strict=True)
    return [np.hstack([image, draw_heatmap(image, each)]) for image, each in pairs]


def _describe(held_out: EvaluatedSplit, position: int) -> str:
    best = int(held_out.scores[position].argmax())
    true = held_out.labels[held_out.targets[position]]
    return f"true: {true}\npredicted: {held_out.labels[best]} {held_out.scores[position, best]:.2f}"


def _augmented(config: TrainConfig, train: Batches) -> bytes:
    augment = build_augmentation(config)
    first = train.loader.load(train.samples[0])
    nine: Any = np.repeat(first[np.newaxis].astype(np.float32), 9, axis=0)
    if augment is not None:
        nine = augment(nine).numpy()
    images = list(np.clip(np.rint(nine), 0, 255).astype(np.uint8))
    return draw_grid(images, [""] * 9, 3, f"Nine augmented versions of {train.samples[0].file}")
