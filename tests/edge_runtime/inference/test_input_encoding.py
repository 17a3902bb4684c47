"""Inputs of models from elsewhere: grey images, and inputs without a size."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from edge_runtime import LoadOptions, ModelError, load_classifier
from edge_runtime.images import to_grey
from edge_runtime.inference import installed_engines
from tests.conftest import Command
from tests.edge_runtime.images.test_perceptual_hash import scene
from tests.images import paint, save

LABELS = ("dark", "bright")


def convert(shape: tuple[int | None, ...]) -> bytes:
    """A float model that tells dark from bright images, in pixels from 0 to 1."""
    import keras
    import tensorflow as tf

    inputs = keras.Input(batch_shape=(1, *shape))
    dense = keras.layers.Dense(2, activation="softmax")
    model = keras.Model(inputs, dense(keras.layers.GlobalAveragePooling2D()(inputs)))
    kernel = np.tile(np.array([[-8.0, 8.0]], np.float32), (int(shape[-1] or 1), 1)) / (shape[-1] or 1)
    dense.set_weights([kernel, np.array([4.0, -4.0], np.float32)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())


def write(folder: Path, content: bytes) -> Path:
    (folder / "m.tflite").write_bytes(content)
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in LABELS))
    return folder / "m.tflite"


@pytest.mark.parametrize("engine", installed_engines())
def test_a_model_of_grey_images_gets_their_brightness(tmp_path: Path, engine: str) -> None:
    options = LoadOptions(engine=engine, input_range=(0.0, 1.0))
    classifier = load_classifier(write(tmp_path, convert((16, 16, 1))), options)
    assert classifier.classify(paint((10, 10, 10)))[0].label == "dark"
    assert classifier.classify(paint((250, 250, 250)))[0].label == "bright"
    green, blue = (classifier.scores(paint(color))[1] for color in ((0, 255, 0), (0, 0, 255)))
    assert green > blue, "green is brighter than blue"


def test_grey_is_brightness() -> None:
    image = scene(3)
    grey = to_grey(image)
    assert grey.shape == (*image.shape[:2], 1)
    np.testing.assert_allclose(grey[..., 0], image @ np.array([0.299, 0.587, 0.114]), atol=1)


def test_a_model_of_grey_images_runs_in_the_command(command: Command, tmp_path: Path) -> None:
    model = write(tmp_path, convert((16, 16, 1)))
    save(tmp_path / "bright.png", paint((250, 250, 250)))
    done = command("edge-classify", "-m", model, "--input", tmp_path / "bright.png", "--input-range", "0,1")
    assert done.code == 0, done.err
    assert "bright 1.00" in done.out


def test_an_input_without_a_size_is_refused(command: Command, tmp_path: Path) -> None:
    model = write(tmp_path, convert((None, None, 3)))
    with pytest.raises(ModelError, match=r"no fixed height and width, its shape is \(1, -1, -1, 3\)"):
        load_classifier(model, LoadOptions(input_range=(0.0, 1.0)))
    save(tmp_path / "image.png", paint((1, 2, 3)))
    done = command("edge-classify", "-m", model, "--input", tmp_path / "image.png", "--input-range", "0,1")
    done.fails_with(3, "no fixed height and width")
