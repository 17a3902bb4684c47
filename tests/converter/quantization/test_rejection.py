"""The gate of the output for images of no class."""

from typing import Any

import numpy as np
import pytest

from converter.quantization import (
    calibrate,
    compare_rejection,
    make_room_for_unknowns,
    mean_lead_error,
    rejection_tensors,
    shift_that_keeps,
)
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


def with_leads(leads: np.ndarray) -> np.ndarray:
    """Scores of two classes and of `unknown` with these leads."""
    logits = np.stack([np.full(len(leads), 3.0), np.zeros(len(leads)), 3.0 + leads], axis=1)
    powers = np.exp(logits)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("error", [0.0, -0.5])
def test_errors_of_either_sign_are_made_up_for_by_a_shift(error: float) -> None:
    random = np.random.default_rng(0)
    leads = random.normal(-3, 1.8, 2000)
    rounded = leads + random.normal(error, 1.5, 2000)
    shift = shift_that_keeps(with_leads(leads), lambda by: with_leads(rounded + by))
    assert abs(shift) > 0.2
    kept, unshifted = (float((rounded + by < 0).mean()) for by in (shift, 0.0))
    assert abs(kept - float((leads < 0).mean())) < 0.01 < abs(unshifted - float((leads < 0).mean()))


def test_what_may_be_chance_is_not_made_up_for_and_a_shift_has_an_end() -> None:
    leads = np.array([-2.0] * 95 + [2.0] * 5)
    few = np.where(np.arange(100) < 3, 0.3, leads)
    assert shift_that_keeps(with_leads(leads), lambda by: with_leads(few + by)) == 0
    all_of_them = np.full(100, 9.0)
    assert shift_that_keeps(with_leads(leads), lambda by: with_leads(all_of_them + by)) == -8
    none = np.full(100, -9.0)
    assert shift_that_keeps(with_leads(leads), lambda by: with_leads(none + by)) == 0, "5 may be chance"
    none = np.full(1000, -9.0)
    assert shift_that_keeps(with_leads(leads.repeat(10)), lambda by: with_leads(none + by)) == 8


def network_with_rejection(
    *, squares: bool = False, computed_limit: bool = False, logits_times: float = 1.0
) -> Any:
    """Three classes on the mean color. Earlier versions squared what they detected, or computed the limit."""
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    features = keras.Input((3,))
    logits = layers.Dense(
        3, kernel_initializer=keras.initializers.RandomUniform(-logits_times, logits_times)
    )(features)
    largest = layers.GlobalMaxPooling1D()(layers.Reshape((3, 1))(logits))
    detected = layers.Dense(4, None if squares else "relu")(features)
    if squares:
        detected = layers.Multiply()([detected, detected])
    gentle, steep = (
        layers.ReLU()(
            layers.Subtract()([layers.Dense(1, bias_initializer="ones")(largest), layers.Dense(1)(detected)])
        )
        for _branch in range(2)
    )
    limit = layers.Dense(1, bias_initializer="ones")(largest) if computed_limit else 4.0
    unknown = limit - layers.Add()([gentle, steep])
    scores = layers.Softmax()(layers.Concatenate()([layers.Subtract()([logits, largest]), unknown]))
    head = keras.Model(features, scores)
    pixels = keras.Input((8, 8, 3))
    pooled = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 127.5, -1)(pixels))
    return keras.Model(pixels, head(pooled))


def frames(*levels: int) -> list[np.ndarray]:
    return [np.full((8, 8, 3), level, np.uint8) for level in levels]


@pytest.mark.parametrize("made_of", [{"squares": True}, {"computed_limit": True}])
def test_the_output_of_an_earlier_version_is_refused(made_of: dict[str, bool]) -> None:
    """It has tensors of other ranges: conversion would clip them."""
    images = frames(0, 90, 255)
    calibrated = calibrate(network_with_rejection(**made_of), images)
    with pytest.raises(ModelError, match="train the run again"):
        make_room_for_unknowns(calibrated, images)


@pytest.mark.parametrize("logits_times", [1.0, 50.0])
def test_the_lead_has_fine_steps_whatever_range_the_logits_have(logits_times: float) -> None:
    images = frames(0, 90, 255)
    calibrated = calibrate(network_with_rejection(logits_times=logits_times), images)
    ranges = make_room_for_unknowns(calibrated, images).channels
    spans = [ranges[index].span for index in rejection_tensors(calibrated)]
    low, high = next(span for span in spans if span[0] < 0 < span[1] == 4.0)
    assert low == pytest.approx(-8 - np.log(3))
    assert (high - low) / 255 < 0.06


@pytest.mark.parametrize(
    ("levels", "growth"), [((100, 110), 0.0), ((84, 132), 0.4), ((70, 122), 0.5), ((0, 255), 0.5)]
)
def test_uniform_frames_widen_the_ranges_by_half_at_most(levels: tuple[int, int], growth: float) -> None:
    calibrated = calibrate(network_with_rejection(), frames(90, 120))
    rejection = rejection_tensors(calibrated)
    widened = make_room_for_unknowns(calibrated, frames(*levels)).channels
    grown = []
    for index, known in calibrated.channels.items():
        np.testing.assert_array_equal(widened[index].mean, known.mean)
        (low, high), (lowest, highest) = known.span, widened[index].span
        if index not in rejection:
            grown += [(low - lowest) / (high - low), (highest - high) / (high - low)]
    assert max(grown) == pytest.approx(growth, abs=0.02)
    assert min(grown) >= 0
