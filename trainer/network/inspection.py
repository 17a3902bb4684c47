"""`--inspect`: the layers of the base, and the labels that ImageNet's own head gives the images."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from edge_runtime.core import Image, ImageError, Reporter, Resize
from edge_runtime.datasets import Dataset
from edge_runtime.images import fit
from trainer.config import TrainConfig
from trainer.data import open_data
from trainer.network.classifier import Network, build_network

IMAGES = 8
TOP_K = 2
# The stock head was trained at this size; at others Keras has no weights with a head.
STOCK_SIZE = 224


def inspect_base(config: TrainConfig, reporter: Reporter) -> str:
    """Describe the base and, where ImageNet's head is available, its best labels of the first images.

    Raises:
        DatasetError: there are no images.
        ModelError: the base's weights cannot be downloaded or do not match.
    """
    dataset = open_data(config.data)
    names, images = _first_images(dataset, config)
    network = build_network(config, len(dataset.labels))
    return "\n".join([*_describe(network, images), "", *_stock_labels(config, names, images, reporter)])


def _first_images(dataset: Dataset, config: TrainConfig) -> tuple[list[str], list[Image]]:
    names: list[str] = []
    images: list[Image] = []
    for sample in dataset.samples:
        if len(images) == IMAGES:
            break
        try:
            images.append(dataset.read_fitted(sample.file, (config.image_size,) * 2, config.resize))
            names.append(f"{sample.file} ({sample.label})")
        except ImageError:
            continue
    return names, images


def _describe(network: Network, images: Sequence[Image]) -> list[str]:
    lines: list[str] = []
    network.base.summary(print_fn=lambda line, **_: lines.append(line), line_length=110)
    batch = np.stack(images).astype(np.float32)
    features = network.features(batch, training=False)
    before = network.base.layers[-2].output.shape[1:]
    return [
        *lines,
        f"images: {batch.shape}, the base's last feature map: {(len(images), *before)}, "
        f"features after pooling: {tuple(features.shape)}",
        f"layers: {len(network.base.layers)}; fine-tuning trains those from --fine-tune-at on",
    ]


def _stock_labels(
    config: TrainConfig, names: Sequence[str], images: Sequence[Image], reporter: Reporter
) -> list[str]:
    """A line for each image, or one with the reason why there is none."""
    import keras

    reporter.say("loading the stock ImageNet head")
    try:
        stock: Any = keras.applications.MobileNetV2(alpha=config.alpha, weights="imagenet")
        pixels = np.stack([fit(image, (STOCK_SIZE, STOCK_SIZE), Resize.SQUASH) for image in images])
        scaled = keras.applications.mobilenet_v2.preprocess_input(pixels.astype(np.float32))
        scores = stock(scaled, training=False).numpy()
        best = keras.applications.mobilenet_v2.decode_predictions(scores, top=TOP_K)
    except Exception as error:  # noqa: BLE001 - Keras raises a bare Exception when a download fails
        return [f"ImageNet's labels of the images: not available here ({' '.join(str(error).split()):.160})"]
    lines = [f"ImageNet's {TOP_K} best labels of the first {len(images)} images:"]
    for name, labels in zip(names, best, strict=True):
        lines.append(f"  {name}: " + ", ".join(f"{label} {score:.3f}" for _id, label, score in labels))
    return lines
