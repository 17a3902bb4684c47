"""Where positions of a feature map look: known layers exactly, others as an even division."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_runtime import LoadOptions
from edge_runtime.images import Grid
from edge_runtime.inference import ActivationMaps, load_model
from edge_runtime.model import read_model_file


def convert(folder: Path, side: int, layers: list[Any]) -> Path:
    """A model file of these layers with an average pooling and a dense layer after them."""
    import keras
    import tensorflow as tf

    end = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2, "softmax")]
    model = keras.Sequential([keras.Input(batch_shape=(1, side, side, 3)), *layers, *end])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (folder / "m.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    (folder / "labels.txt").write_text("a\nb\n")
    return folder / "m.tflite"


def grid_of(path: Path) -> Grid:
    options = LoadOptions(num_threads=1, input_range=(-1.0, 1.0))
    return ActivationMaps(load_model(read_model_file(path, None), options)).grid


def test_padding_at_the_end_only_moves_the_positions(tmp_path: Path) -> None:
    from keras import layers

    even = [layers.Conv2D(4, 3, 2, "same"), layers.ReLU(6.0), layers.DepthwiseConv2D(3, 2, "same")]
    # 16, 8, 4 positions: 0 … 2 of the image, and 0 … 2 of the first map.
    assert grid_of(convert(tmp_path, 16, even)) == Grid((3, 3), (4, 4))


def test_padding_on_both_sides_does_not(tmp_path: Path) -> None:
    from keras import layers

    odd = [layers.Conv2D(4, 3, 2, "same"), layers.Conv2D(4, 5, 1, "same")]
    assert grid_of(convert(tmp_path, 17, odd)) == Grid((0, 0), (2, 2))


def test_poolings_padding_layers_and_layers_without_padding(tmp_path: Path) -> None:
    from keras import layers

    several = [
        layers.ZeroPadding2D(((2, 1), (0, 3))),
        layers.Conv2D(4, (3, 5), 1, "valid"),
        layers.MaxPooling2D(2),
        layers.AveragePooling2D(3, 1, "same"),
    ]
    # A pixel of the padded image is 2 (0) further up (left); centers of windows of 3 (5), then of 2.
    assert grid_of(convert(tmp_path, 20, several)) == Grid((-2 + 1 + 0.5, 0 + 2 + 0.5), (2, 2))


def test_a_layer_that_is_not_known_divides_evenly(tmp_path: Path) -> None:
    from keras import layers

    enlarged = [layers.Conv2D(4, 3, 2, "same"), layers.UpSampling2D(2)]
    assert grid_of(convert(tmp_path, 16, enlarged)) == Grid.even((16, 16), (16, 16)) == Grid((0, 0), (1, 1))


@pytest.mark.slow
def test_the_network_of_a_run_and_its_model_file_look_at_the_same_places(tmp_path: Path) -> None:
    """And at those that the gradient says."""
    import keras
    import tensorflow as tf

    from trainer import TrainConfig
    from trainer.network import build_network, read_grid

    network = build_network(TrainConfig(data="x", weights="none", alpha=0.35, image_size=224), 2)
    core = keras.Model(network.base.inputs, network.head(network.base.output))
    converter = tf.lite.TFLiteConverter.from_keras_model(core)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (tmp_path / "m.tflite").write_bytes(converter.convert())
    (tmp_path / "labels.txt").write_text("a\nb\n")
    grid = read_grid(network)
    assert grid == grid_of(tmp_path / "m.tflite") == Grid((31, 31), (32, 32))
    # The position in the middle of 7 looks at pixel 127, not at 111.5: the middle of 224.
    feature_map = keras.Model(network.base.input, network.base.layers[-1].input)
    images = tf.Variable(np.random.default_rng(0).normal(0, 1, (8, 224, 224, 3)).astype(np.float32))
    with tf.GradientTape() as tape:
        position = tf.reduce_sum(feature_map(images, training=False)[:, 3, 3, :])
    strength = np.square(tape.gradient(position, images)).sum(axis=(0, 3))
    center = [(strength.sum(axis=1 - axis) * np.arange(224)).sum() / strength.sum() for axis in (0, 1)]
    assert center == pytest.approx([127, 127], abs=5)
