"""The gate of the output for images of no class."""

import numpy as np
import pytest

from converter.quantization import calibrate, compare_rejection, make_room_for_unknowns, mean_lead_error
from edge_runtime import ModelError


def scores(kept: int, rejected: int, lead: float = 1.0) -> np.ndarray:
    """Scores of two classes and of `unknown`: so many images that are kept, then those that are rejected."""
    logits = np.zeros((kept + rejected, 3), np.float32)
    logits[:, 0] = 3
    logits[:kept, 2], logits[kept:, 2] = 3 - lead, 3 + lead
    powers = np.exp(logits)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize(
    ("kept", "accepted", "passes"),
    [(950, 10, True), (945, 10, True), (930, 10, False), (950, 18, True), (950, 40, False)],
)
def test_more_that_is_rejected_or_accepted_is_refused_beyond_a_limit(
    kept: int, accepted: int, passes: bool
) -> None:
    found = compare_rejection(
        (scores(950, 50), scores(kept, 1000 - kept)), (scores(10, 190), scores(accepted, 200 - accepted))
    )
    assert (found.float_kept, found.kept) == (0.95, kept / 1000)
    assert (found.float_accepted, found.accepted) == (0.05, accepted / 200)
    assert found.within(0.01) is passes


def test_a_few_images_are_no_proof() -> None:
    found = compare_rejection((scores(20, 0), scores(19, 1)), (scores(0, 20), scores(2, 18)))
    assert found.within(0.01)


def test_the_mean_error_of_the_lead_is_that_of_images_that_are_nearly_rejected() -> None:
    expected = np.concatenate([scores(20, 20, lead=1.0), scores(20, 0, lead=3.9)])
    found = np.concatenate([scores(20, 20, lead=0.5), scores(20, 0, lead=3.4)])
    assert mean_lead_error(expected, found) == pytest.approx(0.5, abs=1e-5)
    assert mean_lead_error(expected[:5], found[:5]) == 0.0


@pytest.mark.parametrize("earlier", [False, True])
def test_the_output_of_an_earlier_version_is_refused(earlier: bool) -> None:
    """It was made of squares, whose range is another one: conversion would clip them."""
    import keras

    layers = keras.layers
    features = keras.Input((3,))
    logits = layers.Dense(3)(features)
    largest = layers.GlobalMaxPooling1D()(layers.Reshape((3, 1))(logits))
    detected = layers.Dense(4, None if earlier else "relu")(features)
    if earlier:
        detected = layers.Multiply()([detected, detected])
    gentle, steep = (
        layers.ReLU()(
            layers.Subtract()([layers.Dense(1, bias_initializer="ones")(largest), layers.Dense(1)(detected)])
        )
        for _branch in range(2)
    )
    unknown = layers.Subtract()(
        [layers.Subtract()([layers.Dense(1, bias_initializer="ones")(largest), gentle]), steep]
    )
    scores = layers.Softmax()(layers.Concatenate()([logits, unknown]))
    head = keras.Model(features, scores)
    pixels = keras.Input((8, 8, 3))
    pooled = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 127.5, -1)(pixels))
    images = [np.full((8, 8, 3), level, np.uint8) for level in (0, 90, 255)]
    calibrated = calibrate(keras.Model(pixels, head(pooled)), images)
    if earlier:
        with pytest.raises(ModelError, match="train the run again"):
            make_room_for_unknowns(calibrated)
    else:
        assert make_room_for_unknowns(calibrated).channels
