"""Quantization-aware training."""

from typing import Any

import numpy as np
import pytest

from converter.quantization import (
    Calibrated,
    FloatScores,
    Io,
    calibrate,
    converted_scores,
    correct,
    measure_agreement,
    quantize,
    train_for_int8,
)
from converter.quantization.activations import read_activations
from edge_runtime import ModelError
from tests.small_network import CARD, images, network


def test_layers_in_float_have_the_weights_of_the_float_model() -> None:
    model = network()
    corrected = correct(calibrate(model, images(50, seed=0), Io.FLOAT32))
    trained = train_for_int8(corrected, images(200, seed=1), 30, 0)
    every = {name for each in read_activations(trained.content) for name in each.operators}
    others = images(100, seed=2)
    in_float = converted_scores(quantize(trained, keep_float=every), CARD, others)
    assert measure_agreement(FloatScores(model)(others), in_float).kl_divergence < 1e-5


def divergence(model: Any, calibrated: Calibrated, others: list[np.ndarray]) -> float:
    found = converted_scores(quantize(calibrated), CARD, others)
    return measure_agreement(FloatScores(model)(others), found).kl_divergence


@pytest.mark.parametrize("io", [Io.UINT8, Io.FLOAT32])
def test_int8_comes_closer_to_the_float_model_on_other_images(io: Io) -> None:
    model = network()
    corrected = correct(calibrate(model, images(50, seed=0), io))
    steps: list[int] = []
    trained = train_for_int8(corrected, images(200, seed=1), 150, 0, lambda done, _all: steps.append(done))
    assert steps == list(range(1, 151))
    others = images(300, seed=2)
    assert divergence(model, trained, others) < 0.5 * divergence(model, corrected, others)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"activation": "hard_silu"}, "HARD_SWISH"),
        ({"multiplier": 2}, "a DEPTHWISE_CONV_2D with groups or several filters"),
    ],
)
def test_a_network_that_is_not_known_is_one_line(options: dict[str, Any], what: str) -> None:
    calibrated = calibrate(network(**options), images(20, seed=0))
    with pytest.raises(ModelError, match=f"--qat-steps: the network has {what}.*leave the option out"):
        train_for_int8(calibrated, images(20, seed=1), 1, 0)
