"""Equalization and bias correction change the int8 model, never what the float model computes."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter import load_keras_model
from converter.quantization import (
    Calibrated,
    Io,
    calibrate,
    correct,
    correct_dense_layers,
    equalize_channels,
    quantize,
    read_calibration,
)
from converter.quantization.activations import measure_channels, read_activations, run_all_tensors
from converter.quantization.int8 import with_channels
from converter.quantization.precisions import remove_rescaling
from edge_runtime import read_run


def test_the_rescaling_is_removed_whatever_its_range() -> None:
    import keras

    for scale, offset, expected in ((1 / 255, 0.0, (0.0, 1.0)), (1 / 127.5, -1.0, (-1.0, 1.0))):
        layers = [keras.Input((4, 4, 3)), keras.layers.Rescaling(scale, offset), keras.layers.Flatten()]
        inputs = layers[0]
        model = keras.Model(inputs, layers[2](layers[1](inputs)))
        core, low_high = remove_rescaling(model)
        assert low_high == pytest.approx(expected)
        assert core.input_shape == (1, 4, 4, 3)


@pytest.mark.slow
def test_the_float_model_computes_the_same_after_equalization(digits_run: Path) -> None:
    run = read_run(digits_run)
    images = read_calibration(run, run.open_data(), 40).images
    before = calibrate(load_keras_model(run.files.model), images)
    after = equalize_channels(before)
    channels, scaled = before.channels, after.channels
    output = [read_activations(before.content)[-1].index]
    scores = [
        np.concatenate(
            [values[0] for values in run_all_tensors(model.content, images, before.input_range, output)]
        )
        for model in (before, after)
    ]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-4)
    changed = [index for index in channels if not np.array_equal(channels[index].mean, scaled[index].mean)]
    assert len(changed) >= 17  # every bottleneck, and the sums of some
    measured = measure_channels(after.content, images, before.input_range)
    for index in channels:
        np.testing.assert_allclose(measured[index].high, scaled[index].high, rtol=1e-2, atol=1e-2)


def int8_means(calibrated: Calibrated, name: str, keep_float: Collection[str] = ()) -> np.ndarray:
    """Mean of each channel of one activation in the int8 model."""
    return int8_values(calibrated, name, keep_float).mean(axis=0)


def int8_values(calibrated: Calibrated, name: str, keep_float: Collection[str] = ()) -> np.ndarray:
    """Each channel of an activation in the int8 model, its mean over the pixels, shape (images, channels)."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=quantize(calibrated, keep_float=keep_float),
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    (detail,) = [each for each in interpreter.get_tensor_details() if each["name"] == name]
    scale, zero_point = detail["quantization"]
    rows = []
    for image in calibrated.images:
        entry = interpreter.get_input_details()[0]
        interpreter.set_tensor(entry["index"], image[np.newaxis].astype(entry["dtype"]))
        interpreter.invoke()
        values = (interpreter.get_tensor(detail["index"]).astype(np.float64) - zero_point) * (scale or 1)
        rows.append(values.reshape(-1, values.shape[-1]).mean(axis=0))
    return np.array(rows)


def test_what_a_range_clips_on_purpose_moves_no_logit() -> None:
    """The output for images of no class clips logits far below the largest: their mean is another one."""
    import keras

    random = np.random.default_rng(0)
    inputs = keras.Input((16, 16, 3))
    outputs = keras.layers.Rescaling(1 / 127.5, -1.0)(inputs)
    outputs = keras.layers.Conv2D(16, 3, activation="relu")(outputs)
    outputs = keras.layers.Dense(4, name="logits")(keras.layers.GlobalAveragePooling2D()(outputs))
    model = keras.Model(inputs, keras.layers.Softmax()(outputs))
    for layer in model.layers:
        if layer.get_weights():
            kernel, bias = layer.get_weights()
            layer.set_weights([random.normal(0, 1, kernel.shape), np.full_like(bias, 0.1)])
    noise = random.integers(0, 256, (120, 16, 16, 3))
    images = list((noise * random.random((120, 1, 1, 3))).astype(np.uint8))
    plain = calibrate(model, images)
    logits = read_activations(plain.content)[-2]
    wanted = np.concatenate(
        [row[0] for row in run_all_tensors(plain.content, images, plain.input_range, [logits.index])]
    )
    lowest = float(np.median(wanted))
    channels = plain.channels[logits.index]
    clipped = with_channels(
        plain,
        {**plain.channels, logits.index: replace(channels, low=np.maximum(channels.low, lowest))},
    )
    corrected = correct_dense_layers(correct(clipped), clipped)
    found = int8_values(corrected, logits.name)
    inside = (wanted > lowest) & (wanted < logits.high)
    step = (logits.high - lowest) / 255
    assert 0.3 < inside.mean() < 0.7
    assert np.abs((found - wanted)[inside].mean()) < step


def off_center() -> tuple[Any, list[np.ndarray]]:
    """A model and images that need a correction, on weights that no training made.

    They are the same on every processor. The images are mostly white, as drawn digits are mostly black: the
    rounding errors of a layer's weights add up in the mean of its output.
    """
    import keras

    random = np.random.default_rng(0)
    inputs = keras.Input((16, 16, 3))
    outputs = keras.layers.Rescaling(1 / 127.5, -1.0)(inputs)
    for channels in (16, 32, 32):
        outputs = keras.layers.ReLU(6.0)(keras.layers.Conv2D(channels, 3, name=f"c{outputs.name}")(outputs))
    outputs = keras.layers.Dense(4, "softmax")(keras.layers.GlobalAveragePooling2D()(outputs))
    model = keras.Model(inputs, outputs)
    for layer in model.layers:
        if layer.get_weights():
            kernel, bias = layer.get_weights()
            spread = np.sqrt(2 / np.prod(kernel.shape[:-1]))
            layer.set_weights([random.normal(0.3 * spread, spread, kernel.shape), np.zeros_like(bias)])
    images = [np.full((16, 16, 3), 255, np.uint8) for _ in range(20)]
    for image in images:
        image[4:8, 4:8] = random.integers(0, 256, (4, 4, 3))
    return model, images


def test_corrected_layers_come_nearer_to_the_float_models_means() -> None:
    plain = calibrate(*off_center())
    corrected = correct(plain)
    # The first layers, before the rounding of activations hides that of weights.
    early = read_activations(plain.content)[1:4]
    before, after = (
        sum(np.abs(int8_means(each, layer.name) - plain.channels[layer.index].mean).mean() for layer in early)
        for each in (plain, corrected)
    )
    assert after < before, (before, after)


def test_a_layer_in_float_has_the_bias_of_the_float_model() -> None:
    """The correction makes up for rounded weights, which a layer in float has not."""
    plain = equalize_channels(calibrate(*off_center(), Io.FLOAT32))
    corrected = correct_dense_layers(correct(plain), plain)
    activations = read_activations(corrected.content)
    operators = {operator for each in activations for operator in each.operators}
    for layer in activations[1:4]:
        found = int8_means(corrected, layer.name, keep_float=operators)
        np.testing.assert_allclose(found, plain.channels[layer.index].mean, rtol=1e-3)
