"""The workstation: conversion and training beside TensorFlow's and Keras' own ways."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.studies.bars.bar import Bar
from benchmarks.studies.bars.plain_converter import convert_int8
from benchmarks.studies.commands import measure_tool
from benchmarks.studies.training_speed import measure_head_phase, measure_reading
from converter.quantization import (
    calibrate,
    correct,
    equalize_channels,
    quantize,
    remove_rescaling,
    representative_dataset,
    silence,
)
from edge_runtime.core import clock
from edge_runtime.images import encode_jpeg
from trainer import RandomFlip, TrainConfig
from trainer.fitting import build_optimizer
from trainer.network import build_network

CALIBRATION_IMAGES, FEW, MANY = 100, 500, 20_000
READING_TRIALS = 3
SMALL = TrainConfig(data="none", weights="none", alpha=0.35, image_size=32)


def measure_workstation(folder: Path) -> Iterator[Bar]:
    """Measure what needs no photos.

    Args:
        folder: an empty folder for images and runs.
    """
    yield _conversion()
    yield _first_change()
    yield _training_memory(folder)


def measure_photos(photos: Path, weights: Path) -> Iterator[Bar]:
    """Measure training on photos.

    Args:
        photos: a folder of images for each class.
        weights: of MobileNetV2 1.0 without its top.
    """
    # Other load can only hide the difference: the best of a few trials is nearest to it.
    reading = max(_reading(photos) for _ in range(READING_TRIALS))
    yield Bar("Keras' reading of photos, beside ours", reading, 1.5, at_least=True)
    config = dataclasses.replace(
        TrainConfig(data=str(photos), weights=str(weights), image_size=160, flip=RandomFlip.ON, seed=1),
        head_epochs=20,
        fine_tune_epochs=0,
    )
    head = measure_head_phase(config)
    yield Bar("20 epochs of the head, beside model.fit", head.cost.ours / head.cost.keras, 0.15)
    better = head.accuracy - head.keras_accuracy
    yield Bar("accuracy of that head, less that of model.fit", better, 0.0, at_least=True)


def _reading(photos: Path) -> float:
    costs = measure_reading(str(photos), 160, rounds=8)
    return sum(cost.keras for cost in costs) / sum(cost.ours for cost in costs)


def _conversion() -> Bar:
    model = build_network(SMALL, 10).model
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (32, 32, 3), np.uint8) for _ in range(CALIBRATION_IMAGES)]
    core, input_range = remove_rescaling(model)

    def bare() -> bytes:
        return convert_int8(core, list(representative_dataset(images, input_range)))

    ratios = [
        _seconds(lambda: quantize(correct(equalize_channels(calibrate(model, images))))) / _seconds(bare)
        for _ in range(4)
    ]
    # The first pair includes imports.
    return Bar("conversion to int8, beside TensorFlow's converter alone", median(ratios[1:]), 1.2)


def _first_change() -> Bar:
    """Seconds until all weights have changed once, compilation included, beside Keras' own optimizer."""
    import keras
    import tensorflow as tf

    def ours(model: Any) -> Callable[[], None]:
        optimizer = build_optimizer(SMALL, model, rate=1e-3, steps=1, weight_decay=1e-4)
        return lambda: optimizer.apply([tf.zeros(each.shape) for each in optimizer.weights])

    def plain(model: Any) -> Callable[[], None]:
        weights = model.trainable_variables
        optimizer = keras.optimizers.AdamW(1e-3, weight_decay=1e-4)
        optimizer.build(weights)
        return lambda: optimizer.apply_gradients([(tf.zeros(each.shape), each) for each in weights])

    def seconds(way: Callable[[Any], Callable[[], None]]) -> float:
        change = way(build_network(SMALL, 10).model)
        return _seconds(tf.function(change, autograph=False))

    ratios = [seconds(ours) / seconds(plain) for _ in range(3)]
    return Bar("the first change of all weights, beside keras.optimizers", median(ratios), 0.3)


def _training_memory(folder: Path) -> Bar:
    """All images of the larger data set are 4.6 GB when they are decoded."""
    weights = folder / "base.weights.h5"
    with silence():
        build_network(SMALL, 2).base.save_weights(weights)
    peaks = []
    for count in (FEW, MANY):
        data = folder / f"{count}-images"
        _write_images(data, count)
        options = ("--weights", weights, "--alpha", 0.35, "--image-size", 32, "--batch-size", 64)
        epochs = ("--head-epochs", 2, "--fine-tune-epochs", 1)
        cost = measure_tool("edge-train", data, *options, *epochs, "--out", folder / f"{count}-run")
        peaks.append(cost.peak_megabytes)
    return Bar(f"memory of training with {MANY:,} images above {FEW}, in MB", peaks[1] - peaks[0], 1500)


def _write_images(folder: Path, count: int) -> None:
    """JPEGs of 320x240 pixels, all different, in two classes."""
    ramp = np.tile(np.linspace(0, 160, 320, dtype=np.uint8)[:, np.newaxis], (240, 1, 3))
    for label in range(2):
        (folder / str(label)).mkdir(parents=True)
    for number in range(count):
        image = ramp + np.array([number % 90, number // 90 % 90, number // 8100], np.uint8)
        image[60:180, 40 * (number % 2) : 120 + 40 * (number % 2)] = 250
        (folder / str(number % 2) / f"{number}.jpg").write_bytes(encode_jpeg(image))


def _seconds(work: Callable[[], object]) -> float:
    started = clock.now()
    work()
    return clock.now() - started
