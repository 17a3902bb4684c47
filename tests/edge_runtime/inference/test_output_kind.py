"""Scores or logits: decided once, by the operator that makes the outputs."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime import Classifier, LoadOptions, load_classifier
from edge_runtime.inference.output_kind import OutputKind, kind_of_last_operator
from tests.conftest import Command, paint, save

WHITE, BLACK = paint((255, 255, 255)), paint((0, 0, 0))


def convert(layers: list[Any], *, quantized: bool = False) -> bytes:
    """A model of the mean of each channel, in [0, 1], and some layers after it."""
    import keras
    import tensorflow as tf

    inputs = keras.Input(batch_shape=(1, 4, 4, 3))
    outputs: Any = keras.layers.GlobalAveragePooling2D()(inputs)
    for layer in layers:
        outputs = layer(outputs)
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(inputs, outputs))
    if quantized:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: [
            [np.full((1, 4, 4, 3), value, np.float32)] for value in (0, 1)
        ]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converter warns of every model that is calibrated by samples
        return bytes(converter.convert())


def dense(weights: list[list[float]], activation: str | None = None) -> Any:
    import keras

    kernel = np.array(weights, np.float32)
    layer = keras.layers.Dense(kernel.shape[1], activation=activation, use_bias=False)
    layer.build((None, kernel.shape[0]))
    layer.set_weights([kernel])
    return layer


def open_model(folder: Path, content: bytes, labels: str) -> Classifier:
    (folder / "m.tflite").write_bytes(content)
    (folder / "labels.txt").write_text(labels)
    return load_classifier(folder / "m.tflite", LoadOptions(input_range=(0.0, 1.0)))


THREE = [[1.0, 0.5, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
ONE = [[4.0], [0.0], [0.0]]


def test_logits_that_look_like_scores_are_still_logits(tmp_path: Path) -> None:
    """Of a black image all logits are 0, of a white one they are 1, 0.5 and 0: all of them in [0, 1]."""
    content = convert([dense(THREE)])
    assert kind_of_last_operator(content) is OutputKind.LOGITS
    classifier = open_model(tmp_path, content, "a\nb\nc\n")
    assert classifier.scores(BLACK) == pytest.approx([1 / 3] * 3, abs=1e-6)
    powers = np.exp([1.0, 0.5, 0.0])
    assert classifier.scores(WHITE) == pytest.approx(powers / powers.sum(), abs=1e-6)


@pytest.mark.parametrize("quantized", [False, True])
def test_scores_after_a_softmax_are_taken_as_they_are(tmp_path: Path, quantized: bool) -> None:
    content = convert([dense(THREE, "softmax")], quantized=quantized)
    assert kind_of_last_operator(content) is OutputKind.SCORES
    powers = np.exp([1.0, 0.5, 0.0])
    found = open_model(tmp_path, content, "a\nb\nc\n").scores(WHITE)
    assert found == pytest.approx(powers / powers.sum(), abs=0.01)


@pytest.mark.parametrize("activation", ["sigmoid", None])
@pytest.mark.parametrize("quantized", [False, True])
def test_one_output_tells_two_classes_apart(tmp_path: Path, activation: str | None, quantized: bool) -> None:
    content = convert([dense(ONE, activation)], quantized=quantized)
    classifier = open_model(tmp_path, content, "no\nyes\n")
    assert classifier.scores(BLACK) == pytest.approx([0.5, 0.5], abs=0.02)
    yes = 1 / (1 + np.exp(-4))
    assert classifier.scores(WHITE) == pytest.approx([1 - yes, yes], abs=0.02)
    assert classifier.classify(WHITE)[0].label == "yes"
    only = open_model(tmp_path, content, "yes\n")
    assert [each.label for each in only.classify(WHITE)] == ["yes"]
    assert only.classify(WHITE)[0].score == pytest.approx(yes, abs=0.02)


def test_a_model_that_is_no_classifier_is_told_so_before_it_is_asked_for_labels(
    command: Command, tmp_path: Path
) -> None:
    import keras

    (tmp_path / "m.tflite").write_bytes(convert([dense(THREE), keras.layers.Reshape((3, 1))]))
    image = save(tmp_path / "p.png", WHITE)
    done = command("edge-classify", "-m", tmp_path / "m.tflite", "--input", image)
    done.fails_with(3, "expected one score vector (1, classes) as output, got (1, 3, 1)")


CONTENT = convert([dense(THREE, "softmax")])


@given(st.binary(max_size=64), st.integers(0, len(CONTENT)))
def test_damaged_files_are_of_some_kind_or_none_and_never_crash(noise: bytes, start: int) -> None:
    content = bytearray(CONTENT)
    content[start : start + len(noise)] = noise
    kind_of_last_operator(bytes(content))


@given(st.binary(max_size=200))
def test_what_is_no_model_is_of_no_kind(content: bytes) -> None:
    kind_of_last_operator(content)
