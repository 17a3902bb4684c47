"""Class activation maps of real models: exact, only on request, refused where there is none."""

import dataclasses
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime import Frame, LoadOptions, ModelError, Resize
from edge_runtime.inference import ActivationMaps, Heatmaps, LoadedModel, load_model
from edge_runtime.inference.graph import DAMAGED, Code, Graph
from edge_runtime.model import read_model_file
from tests.conftest import linear_model, paint
from tests.edge_runtime.inference.test_output_kind import CONTENT, THREE, convert, dense


def opened(path: Path) -> LoadedModel:
    return load_model(read_model_file(path, None), LoadOptions(num_threads=1, input_range=(-1.0, 1.0)))


def written(folder: Path, content: bytes) -> LoadedModel:
    (folder / "m.tflite").write_bytes(content)
    (folder / "labels.txt").write_text("a\nb\nc\n")
    return opened(folder / "m.tflite")


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
def test_the_evidence_is_where_the_class_is(color_models: dict[str, Path], dtype: str) -> None:
    model = opened(color_models[dtype])
    image = paint((255, 0, 0), 8, 8).copy()
    image[:, 4:] = (0, 255, 0)
    maps = ActivationMaps(model)
    red, green = (maps.measure(image, label) for label in ("red", "green"))
    assert red.shape == (8, 8)
    # Pixels are 1 and -1, weights 4: 4 - (4 - 4 - 4) / 3 in the class' color, and -4 - … in the other one.
    np.testing.assert_allclose(red[:, :4], 16 / 3, rtol=0.05)
    np.testing.assert_allclose(red[:, 4:], -8 / 3, rtol=0.05)
    np.testing.assert_allclose(green, red[:, ::-1], atol=0.1)
    # Any other answer shows the best class.
    image[:, :6] = (255, 0, 0)
    np.testing.assert_allclose(maps.measure(image, "unknown"), maps.measure(image, "red"))


def test_it_is_drawn_for_a_result_and_follows_a_new_model(color_models: dict[str, Path]) -> None:
    current = [opened(color_models["uint8"])]
    heatmaps = Heatmaps(lambda: current[0])
    frame = Frame(paint((255, 0, 0), 30, 40), 0, 0.0, 0.0, "test")
    result = current[0].classifier.observe(frame)
    assert heatmaps.draw(result).shape == (8, 8, 3)
    current[0] = opened(color_models["int8"])
    assert heatmaps.draw(result).shape == (8, 8, 3)


def test_a_result_of_a_model_of_another_size_is_refused(
    color_models: dict[str, Path], tmp_path: Path
) -> None:
    result = opened(color_models["uint8"]).classifier.observe(
        Frame(paint((255, 0, 0), 30, 40), 0, 0.0, 0.0, "test")
    )
    other = written(tmp_path, convert([dense(THREE, "softmax")]))
    with pytest.raises(ModelError, match="replaced since"):
        Heatmaps(lambda: other).draw(result)


def test_a_hidden_layer_has_no_exact_map(tmp_path: Path) -> None:
    model = written(tmp_path, convert([dense(THREE, "relu"), dense(np.eye(3).tolist(), "softmax")]))
    with pytest.raises(ModelError, match=r"no heatmap: .*m\.tflite: .*average pooling and one dense layer"):
        ActivationMaps(model)


def test_layers_without_an_activation_between_them_are_one(tmp_path: Path) -> None:
    first: Any = [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]]
    model = written(tmp_path, convert([dense(first), dense(THREE, "softmax")]))
    maps = ActivationMaps(model)
    image = np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)
    weights = (np.array(first) @ np.array(THREE)).T
    expected = (image / 127.5 - 1) @ (weights[0] - weights.mean(axis=0))
    np.testing.assert_allclose(maps.measure(image, "a"), expected, atol=1e-4)


def test_a_model_without_pooling_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(linear_model(8, ("a", "b"), Resize.SQUASH))
    with pytest.raises(ModelError, match="no heatmap"):
        ActivationMaps(opened(tmp_path / "m.tflite"))


def test_a_layer_that_is_its_own_input_is_refused(color_models: dict[str, Path]) -> None:
    """Such a file runs nowhere; looking for its last layers must end nevertheless."""
    model = opened(color_models["float32"])
    graph = Graph(model.file.content)
    (layer,) = [each for each in graph.producers.values() if each.code == Code.FULLY_CONNECTED]
    (output,) = [tensor for tensor, each in graph.producers.items() if each is layer]
    inputs = struct.pack(f"<{1 + len(layer.inputs)}i", len(layer.inputs), *layer.inputs)
    changed = struct.pack(f"<{1 + len(layer.inputs)}i", len(layer.inputs), output, *layer.inputs[1:])
    assert model.file.content.count(inputs) == 1
    content = model.file.content.replace(inputs, changed)
    circular = dataclasses.replace(model, file=dataclasses.replace(model.file, content=content))
    with pytest.raises(ModelError, match="no heatmap"):
        ActivationMaps(circular)


@given(st.binary(max_size=64), st.integers(0, len(CONTENT)), st.integers(0, 50))
def test_a_damaged_file_is_refused_and_never_crashes(noise: bytes, start: int, tensor: int) -> None:
    content = bytearray(CONTENT)
    content[start : start + len(noise)] = noise
    try:
        graph = Graph(bytes(content))
        graph.read_constant(tensor)
        graph.with_output(tensor)
    except DAMAGED:
        pass
