"""Quantization-aware training: the int8 weights and ranges learn what the float model computes.

The teacher is the float model itself, so no labels are needed and the accuracy is the float model's: its
scores (Hinton et al., Distilling the Knowledge in a Neural Network, 2015), its pooled features and the output
of each linear bottleneck are what the simulated int8 model is trained to give (Jacob et al., Quantization
and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, 2018, section 3). The head
stays as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.quantization.int8 import Calibrated
from converter.quantization.simulation import Simulation
from edge_runtime.core import Image, Tick, no_tick

BATCH = 32
WEIGHTS_RATE = 1e-5
"""Adam moves a weight by as much in a step: 500 steps are about one of the 127 levels."""

RANGES_RATE = 1e-3
FEATURES, BOTTLENECKS = 10.0, 10.0
"""Of the loss: how much the errors of the features and of the bottlenecks count beside the scores'."""

SHIFT = 8
"""Images are shifted by this part of their side, at most."""


def train_for_int8(
    calibrated: Calibrated, images: Sequence[Image], steps: int, seed: int, tick: Tick = no_tick
) -> Calibrated:
    """Train the layers before the pooling so that their int8 version computes what the float model does.

    Args:
        calibrated: the float model, with the ranges to start from.
        images: training images, at least one, uint8 RGB at the model's size.
        steps: batches of 32 images.
        seed: of the order and the shifts of the images.
        tick: progress callback.

    Returns:
        A float model whose int8 version is closer to the one given.

    Raises:
        ModelError: a network that cannot be simulated.
    """
    import keras
    import tensorflow as tf

    simulation = Simulation.of(calibrated)
    groups = (simulation.weights, simulation.stretches)
    rates = (WEIGHTS_RATE, RANGES_RATE)
    optimizers = [
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)) for rate in rates
    ]
    for optimizer, variables in zip(optimizers, groups, strict=True):
        optimizer.build(list(variables))
    low, high = calibrated.input_range

    @tf.function
    def step(pixels: Any, number: Any) -> None:
        given = low + (high - low) / 255 * tf.cast(_vary(pixels, seed, number), tf.float32)
        wanted = simulation.in_float(given)
        with tf.GradientTape() as tape:
            loss = _loss(simulation, wanted, simulation.in_int8(given))
        gradients = tape.gradient(loss, groups)
        for optimizer, variables, values in zip(optimizers, groups, gradients, strict=True):
            optimizer.apply_gradients(zip(values, variables, strict=True))

    for number, pixels in enumerate(_batches(images, steps, seed), 1):
        step(pixels, tf.constant(number))
        tick(number, steps)
    return replace(
        calibrated, content=simulation.content(), original=calibrated.original or calibrated.content
    )


def _loss(simulation: Simulation, wanted: Any, found: Any) -> Any:
    import tensorflow as tf

    logits, expected = found[simulation.logits], wanted[simulation.logits]
    difference = tf.nn.log_softmax(expected) - tf.nn.log_softmax(logits)
    divergence = tf.reduce_mean(tf.reduce_sum(tf.nn.softmax(expected) * difference, axis=-1))
    features = _error(wanted[simulation.features], found[simulation.features])
    bottlenecks = [_error(wanted[tensor], found[tensor]) for tensor in simulation.linear]
    inner = tf.add_n(bottlenecks) / len(bottlenecks) if bottlenecks else 0.0
    return divergence + FEATURES * features + BOTTLENECKS * inner


def _error(wanted: Any, found: Any) -> Any:
    """Mean square of the error, over the variance."""
    import tensorflow as tf

    axes = list(range(len(wanted.shape) - 1))
    variance = tf.reduce_mean(tf.square(wanted - tf.reduce_mean(wanted, axes)))
    return tf.reduce_mean(tf.square(wanted - found)) / (variance + 1e-6)


def _vary(pixels: Any, seed: int, number: Any) -> Any:
    """Mirrored at random and shifted: what the float model says of these images is right by definition."""
    import tensorflow as tf

    count, height, width, _channels = pixels.shape
    around = max(1, min(height, width) // SHIFT)
    key = tf.stack([seed, number])
    mirrored = tf.image.stateless_random_flip_left_right(pixels, key)
    padded = tf.pad(mirrored, [[0, 0], [around, around], [around, around], [0, 0]], "SYMMETRIC")
    return tf.image.stateless_random_crop(padded, [count, height, width, 3], key)


def _batches(images: Sequence[Image], steps: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Batches in random order, each image once before any comes again."""
    random = np.random.default_rng(seed)
    left: list[int] = []
    for _ in range(steps):
        while len(left) < BATCH:
            left += random.permutation(len(images)).tolist()
        chosen, left = left[:BATCH], left[BATCH:]
        yield np.stack([images[position] for position in chosen])
