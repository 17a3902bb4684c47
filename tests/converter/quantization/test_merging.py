"""Two pointwise convolutions become one where nothing is between them, and the model computes the same."""

from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from converter.flatbuffer import kind_of, unpack
from converter.quantization.merging import merge_pointwise_convolutions
from converter.tensorflow_internals import open_converter

SIZE = 12


def convert(build: Any) -> bytes:
    """A float `.tflite` of the layers that `build` puts between input and pooling, with random weights."""
    import keras

    keras.utils.set_random_seed(3)
    inputs = keras.Input((SIZE, SIZE, 3), batch_size=1)
    outputs = build(keras.layers, inputs)
    model = keras.Model(inputs, keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(outputs)))
    random = np.random.default_rng(1)
    model.set_weights([random.normal(0, 0.5, each.shape) for each in model.get_weights()])
    return bytes(open_converter(model).convert())


def run(content: bytes) -> np.ndarray:
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    image = np.random.default_rng(2).random((1, SIZE, SIZE, 3), np.float32)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


def kinds(content: bytes) -> list[str]:
    schema, model = unpack(content)
    return [kind_of(schema, model, each) for each in model.subgraphs[0].operators]


def bottleneck(layers: Any, inputs: Any) -> Any:
    """The beginning of MobileNetV2: of 16 channels 8 are made, and of them 48."""
    outputs = layers.Conv2D(16, 3, activation="relu6")(inputs)
    outputs = layers.Conv2D(8, 1)(outputs)
    return layers.Conv2D(48, 1, activation="relu6")(outputs)


def test_a_linear_bottleneck_is_merged_with_the_expansion_after_it() -> None:
    before = convert(bottleneck)
    after = merge_pointwise_convolutions(before)
    assert kinds(after).count("CONV_2D") == 2
    assert kinds(before).count("CONV_2D") == 3
    np.testing.assert_allclose(run(after), run(before), rtol=1e-4, atol=1e-5)


def test_no_tensor_is_left_that_nothing_uses() -> None:
    _schema, model = unpack(merge_pointwise_convolutions(convert(bottleneck)))
    graph = model.subgraphs[0]
    used = {int(index) for each in graph.operators for index in (*each.inputs, *each.outputs)}
    assert used == set(range(len(graph.tensors)))


def test_several_in_a_row_become_one() -> None:
    def chain(layers: Any, inputs: Any) -> Any:
        for channels in (8, 8, 8):
            inputs = layers.Conv2D(channels, 1)(inputs)
        return inputs

    before = convert(chain)
    after = merge_pointwise_convolutions(before)
    assert kinds(after).count("CONV_2D") == 1
    np.testing.assert_allclose(run(after), run(before), rtol=1e-4, atol=1e-4)


def with_activation(layers: Any, inputs: Any) -> Any:
    return layers.Conv2D(8, 1)(layers.Conv2D(8, 1, activation="relu")(inputs))


def with_stride(layers: Any, inputs: Any) -> Any:
    return layers.Conv2D(8, 1, strides=2)(layers.Conv2D(8, 1)(inputs))


def with_window(layers: Any, inputs: Any) -> Any:
    return layers.Conv2D(8, 3)(layers.Conv2D(8, 1)(inputs))


def read_twice(layers: Any, inputs: Any) -> Any:
    first = layers.Conv2D(8, 1)(inputs)
    return layers.Add()([first, layers.Conv2D(8, 1)(first)])


def far_narrower(layers: Any, inputs: Any) -> Any:
    """4 channels between 32 and 32: four times the multiply-adds as one."""
    return layers.Conv2D(32, 1)(layers.Conv2D(4, 1)(layers.Conv2D(32, 3, activation="relu")(inputs)))


@pytest.mark.parametrize("build", [with_activation, with_stride, with_window, read_twice, far_narrower])
def test_what_would_be_wrong_or_slower_is_left_alone(build: Any) -> None:
    before = convert(build)
    after = merge_pointwise_convolutions(before)
    assert kinds(after) == kinds(before)
    np.testing.assert_array_equal(run(after), run(before))
