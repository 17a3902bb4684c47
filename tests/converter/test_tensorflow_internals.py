"""Each private function of TensorFlow and LiteRT still does what it is used for.

Where one of these fails with a new version, `tensorflow` in pyproject.toml must not allow that version yet.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from converter import read_demands
from converter.flatbuffer import unpack
from converter.quantization.precisions import silence
from converter.tensorflow_internals import (
    convert_for_calibration,
    open_all_tensors,
    open_converter,
    quantize_calibrated,
    quantize_for_debugging,
    use_one_scale_for_dense_layers,
)

SAMPLES = np.random.default_rng(0).uniform(-1, 1, (8, 1, 8, 8, 3)).astype(np.float32)


def samples() -> Iterator[list[np.ndarray]]:
    for sample in SAMPLES:
        yield [sample]


@pytest.fixture(scope="module")
def model() -> Any:
    """A convolution and a dense layer that is large enough for the converter to quantize it."""
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input(batch_shape=(1, 8, 8, 3))
    outputs = keras.layers.Conv2D(64, 3, activation="relu6", name="conv")(inputs)
    outputs = keras.layers.GlobalAveragePooling2D()(outputs)
    return keras.Model(inputs, keras.layers.Dense(64, activation="softmax", name="dense")(outputs))


def new_converter(model: Any) -> Any:
    import tensorflow as tf

    converter = open_converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter


@pytest.fixture(scope="module")
def calibrated(model: Any) -> bytes:
    import tensorflow as tf

    converter = new_converter(model)
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    with silence():
        return convert_for_calibration(converter)


def tensors(content: bytes) -> list[Any]:
    _schema, model = unpack(content)
    return list(model.subgraphs[0].tensors)


def test_calibration_leaves_the_model_in_float_with_ranges(calibrated: bytes) -> None:
    assert read_demands(calibrated, name="calibrated").types & {"INT8", "UINT8"} == set()
    ranges = [each.quantization for each in tensors(calibrated) if each.quantization is not None]
    spans = [
        (float(each.min[0]), float(each.max[0]))
        for each in ranges
        if each.min is not None and len(each.min) == 1
    ]
    # The input's is the lowest and the highest value of the samples.
    assert (float(SAMPLES.min()), float(SAMPLES.max())) in [
        (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6)) for low, high in spans
    ]
    assert len(spans) >= 4


@pytest.mark.parametrize("io", ["uint8", "int8", "float32"])
def test_calibrated_models_are_quantized_with_any_type_of_input(calibrated: bytes, io: str) -> None:
    with silence():
        content = quantize_calibrated(calibrated, io)
    interpreter = Interpreter(model_content=content)
    assert interpreter.get_input_details()[0]["dtype"] == np.dtype(io)
    assert interpreter.get_output_details()[0]["dtype"] == np.dtype(io)
    assert "INT8" in read_demands(content, name="int8").types


def test_named_operators_stay_in_float(calibrated: bytes) -> None:
    (name,) = [
        each.name.decode() for each in tensors(calibrated) if b"conv" in each.name and len(each.shape) == 4
        and each.shape[-1] == 64 and each.buffer
    ][-1:]  # fmt: skip
    with silence():
        whole = quantize_calibrated(calibrated, "uint8")
        mixed = quantize_calibrated(calibrated, "uint8", [name])
    types = {
        label: {
            operator.types
            for operator in read_demands(content, name=label).operators
            if operator.name == "CONV_2D"
        }
        for label, content in (("whole", whole), ("mixed", mixed))
    }
    assert types["whole"] == {(("INT8", "INT8"),)}
    assert types["mixed"] == {(("FLOAT32", "FLOAT32"),)}


def test_the_debugger_compares_every_layer(calibrated: bytes) -> None:
    import tensorflow as tf

    with silence():
        content = quantize_for_debugging(calibrated)
        debugger = tf.lite.experimental.QuantizationDebugger(
            quant_debug_model_content=content, debug_dataset=samples
        )
        debugger.run()
    assert len(debugger.layer_statistics) >= 3
    assert all(np.isfinite(each["mean_squared_error"]) for each in debugger.layer_statistics.values())


def test_dense_layers_get_one_scale_and_stay_at_a_version_that_tflite_runtime_has(model: Any) -> None:
    def dense(content: bytes) -> Any:
        (found,) = [
            each for each in read_demands(content, name="dynamic").operators if each.name == "FULLY_CONNECTED"
        ]
        return found

    with silence():
        plain = bytes(new_converter(model).convert())
        converter = new_converter(model)
        use_one_scale_for_dense_layers(converter)
        single = bytes(converter.convert())
    assert dense(single).types == (("FLOAT32", "INT8"),)
    assert dense(single).version <= 10 < dense(plain).version


def test_inner_tensors_are_the_layers_outputs(model: Any, calibrated: bytes) -> None:
    import keras

    inner = keras.Model(model.input, model.get_layer("conv").output)
    expected = inner(SAMPLES[0]).numpy()
    shapes = [tuple(each.shape) for each in tensors(calibrated)]
    index = max(place for place, shape in enumerate(shapes) if shape == expected.shape)
    run = open_all_tensors(calibrated, [index])
    np.testing.assert_allclose(run(SAMPLES[0])[0], expected, atol=1e-5)
    # Each input gives its own values.
    assert not np.array_equal(run(SAMPLES[1])[0], expected)


def test_a_model_from_one_graph_is_that_from_a_saved_model(model: Any) -> None:
    """The same operators, in the same order, with the same weights; tensors at both ends have other names."""
    import tensorflow as tf

    with silence():
        ours = bytes(open_converter(model).convert())
        plain = bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    found, expected = (read_demands(each, name="float").operators for each in (ours, plain))
    assert [each.name for each in found] == [each.name for each in expected]
    outputs = []
    for content in (ours, plain):
        interpreter = Interpreter(model_content=content)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], SAMPLES[0])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    np.testing.assert_array_equal(*outputs)
