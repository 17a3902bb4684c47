"""Channels that share one int8 scale get the same range; the float model computes the same."""

from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from converter.flatbuffer import unpack, with_output
from converter.quantization import Calibrated, calibrate, equalize_channels, quantize
from converter.quantization.activations import measure_channels, read_activations, run_all_tensors


def depthwise_model(activation: str) -> tuple[Any, list[np.ndarray]]:
    """A convolution whose channels differ forty-fold, then a depthwise one that makes up for that."""
    import keras

    inputs = keras.Input((16, 16, 3))
    outputs = keras.layers.Rescaling(1 / 127.5, -1.0)(inputs)
    outputs = keras.layers.Conv2D(16, 3, activation=activation, name="wide")(outputs)
    outputs = keras.layers.DepthwiseConv2D(3, name="narrow")(outputs)
    outputs = keras.layers.Dense(4, name="logits")(keras.layers.GlobalAveragePooling2D()(outputs))
    model = keras.Model(inputs, keras.layers.Softmax()(outputs))
    random = np.random.default_rng(0)
    size = np.geomspace(0.025, 1, 16)
    kernel, bias = model.get_layer("wide").get_weights()
    kernel = random.normal(0, 1.0, kernel.shape) * size
    model.get_layer("wide").set_weights([kernel, bias + 0.1 * size])
    kernel, bias = model.get_layer("narrow").get_weights()
    kernel = random.normal(0, 0.4, kernel.shape) / size[None, None, :, None]
    model.get_layer("narrow").set_weights([kernel, bias])
    noise = random.integers(0, 256, (60, 16, 16, 3))
    return model, list((noise * random.random((60, 1, 1, 3))).astype(np.uint8))


def logits(calibrated: Calibrated) -> np.ndarray:
    """What the float model computes before the softmax, shape (images, 4)."""
    index = sorted(calibrated.channels)[-2]
    rows = run_all_tensors(calibrated.content, calibrated.images, calibrated.input_range, [index])
    return np.concatenate([row[0] for row in rows])


def depthwise_errors(calibrated: Calibrated) -> np.ndarray:
    """Of each channel of the depthwise convolution: the mean error in int8 as a fraction of its range."""
    float_index, name = next(
        (each.index, each.name) for each in read_activations(calibrated.content) if "narrow" in each.name
    )
    int8 = quantize(calibrated)
    names = [each.name.decode() for each in unpack(int8)[1].subgraphs[0].tensors]
    interpreter = Interpreter(model_content=with_output(int8, names.index(name)))
    interpreter.allocate_tensors()
    entry, output = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero_point = output["quantization"]
    found = []
    for image in calibrated.images:
        interpreter.set_tensor(entry["index"], image[np.newaxis])
        interpreter.invoke()
        found.append((interpreter.get_tensor(output["index"]).astype(np.float32) - zero_point) * scale)
    rows = run_all_tensors(calibrated.content, calibrated.images, calibrated.input_range, [float_index])
    wanted = np.concatenate([row[0] for row in rows]).reshape(-1, 16)
    error = np.abs(np.concatenate(found).reshape(-1, 16) - wanted).mean(axis=0)
    return np.asarray(error / np.ptp(wanted, axis=0))


@pytest.mark.parametrize("activation", ["relu", "relu6"])
def test_channels_before_a_depthwise_convolution_get_the_range_of_the_widest(activation: str) -> None:
    before = calibrate(*depthwise_model(activation))
    after = equalize_channels(before)
    np.testing.assert_allclose(logits(after), logits(before), rtol=1e-3, atol=1e-3)
    (wide,) = (
        index
        for index, each in before.channels.items()
        if len(each.high) == 16 and not np.array_equal(each.high, after.channels[index].high)
    )
    high = before.channels[wide].high
    # No channel is widened more than sixteenfold.
    expected = np.minimum(high.max(), 16 * high)
    np.testing.assert_allclose(after.channels[wide].high, expected, rtol=1e-3)
    measured = measure_channels(after.content, after.images, after.input_range)
    np.testing.assert_allclose(measured[wide].high, expected, rtol=1e-3)


@pytest.mark.parametrize("activation", ["relu", "relu6"])
def test_int8_comes_nearer_to_the_float_model_in_the_narrow_channels(activation: str) -> None:
    before = calibrate(*depthwise_model(activation))
    plain, equalized = (depthwise_errors(each) for each in (before, equalize_channels(before)))
    assert equalized[:8].mean() < 0.5 * plain[:8].mean(), (equalized, plain)


@pytest.mark.parametrize("activation", ["sigmoid", "linear"])
def test_other_activations_are_left_alone(activation: str) -> None:
    """A factor does not pass through a sigmoid; linear outputs are those that plain convolutions read."""
    before = calibrate(*depthwise_model(activation))
    assert equalize_channels(before).content == before.content
