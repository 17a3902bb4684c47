"""Keras models that others trained become a run and a model file; what is not known is refused by name."""

import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_runtime import load_classifier, read_image, read_model_file, read_run
from tests.conftest import COLORS, Command
from tests.conftest import save as write_image

Save = Callable[[Any, str], Path]


def color_network(
    *, low: float, high: float, logits: bool = False, order: tuple[int, ...] = (0, 1, 2)
) -> Any:
    """A network of 16 px that tells the colors apart where its pixels are in [low, high], and only there."""
    import keras

    layers = keras.layers
    inputs = keras.Input((16, 16, 3))
    # As a course notebook has it.
    pixels = layers.RandomFlip("horizontal")(inputs)
    features = layers.ReLU(6)(layers.Conv2D(3, 1, name="conv")(pixels))
    pooled = layers.GlobalAveragePooling2D()(layers.DepthwiseConv2D(3, name="depthwise")(features))
    dense = layers.Dense(3, name="dense", activation=None if logits else "softmax")
    model = keras.Model(inputs, dense(layers.Dropout(0.2)(pooled)))
    # 0 below the middle of the range, 6 above it: in another range all channels are the same.
    steep, middle = 200 / (high - low), (low + high) / 2
    model.get_layer("conv").set_weights([steep * np.eye(3)[None, None], np.full(3, -steep * middle)])
    kernel = np.zeros((3, 3, 3, 1), np.float32)
    kernel[1, 1] = 1
    model.get_layer("depthwise").set_weights([kernel, np.zeros(3)])
    model.get_layer("dense").set_weights([2 * np.eye(3)[:, list(order)], np.zeros(3)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=logits))
    return model


@pytest.fixture
def color_folder(tmp_path: Path) -> Path:
    """Class folders with 12 smooth images of each color."""
    slope = np.linspace(-25, 25, 50)[None, :, None] * np.ones((40, 1, 3))
    for name, color in COLORS.items():
        for number in range(12):
            image = np.array(color) * 0.7 + 40 + slope * (-1) ** number + number
            write_image(tmp_path / "colors" / name / f"{number}.png", image.astype(np.uint8))
    return tmp_path / "colors"


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(model: Any, name: str) -> Path:
        path = tmp_path / name
        with warnings.catch_warnings():
            # Keras uses a deprecated function of numpy, and HDF5 is deprecated itself.
            warnings.simplefilter("ignore")
            model.save(path)
        return path

    return write


@pytest.mark.parametrize(("name", "logits"), [("m.keras", False), ("m.keras", True), ("m.h5", False)])
def test_a_model_of_others_becomes_a_run_and_a_model_file(
    command: Command, save: Save, color_folder: Path, tmp_path: Path, name: str, logits: bool
) -> None:
    path, out = save(color_network(low=0, high=255, logits=logits), name), tmp_path / "m.tflite"
    labels = tmp_path / "labels.txt"
    labels.write_text("0 blue\n1 green\n2 red\n")
    options = ("--images", color_folder, "--labels", labels, "--input-range", "0,255", "--out", out)
    done = command("edge-convert", path, *options)
    # The network's outputs are red, green, blue: these labels are in the wrong order.
    assert done.code == 0, done.err
    assert "0.3333 → 0.3333 on 18 held-out images" in done.out
    labels.write_text("0 red\n1 green\n2 blue\n")
    done = command("edge-convert", path, *options)
    assert done.code == 0, done.err
    assert "1.0000 → 1.0000 on 18 held-out images" in done.out
    file = read_model_file(out)
    assert file.card
    assert file.card.provenance["origin"] == name
    assert file.card.provenance["input_range"] == "0,255"
    assert (file.labels, file.card.image_size) == (("red", "green", "blue"), (16, 16))
    for color in COLORS:
        (best, *_) = load_classifier(out).classify(read_image(color_folder / color / "3.png", at_least=16))
        assert best.label == color
        assert best.score > 0.9
    assert command("edge-classify", "-m", out, "--self-test").code == 0
    run = read_run(tmp_path / "m.run")
    assert len(run.held_out) == len(run.split("train")) == 18


def test_the_input_range_is_found_and_told(
    command: Command, save: Save, color_folder: Path, tmp_path: Path
) -> None:
    # Red, green and blue in alphabetical order of their folders.
    path = save(color_network(low=-1, high=1, order=(2, 1, 0)), "m.keras")
    done = command("edge-convert", path, "--images", color_folder, "--out", tmp_path / "m.tflite")
    assert done.code == 0, done.err
    assert "input range [-1, 1]: accuracy on 36 images" in done.err
    assert "labels: the class folders in their order (blue, green, red)" in done.err
    assert "1.0000 → 1.0000" in done.out


def test_a_range_that_the_images_do_not_tell_is_asked_for(
    command: Command, save: Save, color_folder: Path, tmp_path: Path
) -> None:
    blind = color_network(low=0, high=1)
    blind.get_layer("dense").set_weights([np.zeros((3, 3)), np.zeros(3)])
    path = save(blind, "m.keras")
    done = command("edge-convert", path, "--images", color_folder, "--out", tmp_path / "m.tflite")
    done.fails_at_last_with(3, "--input-range LOW,HIGH")
    assert not (tmp_path / "m.tflite").exists()


def test_what_is_not_known_is_refused_by_name(
    command: Command, save: Save, color_folder: Path, tmp_path: Path
) -> None:
    import keras

    inputs = keras.Input((16, 16, 3))
    flat = keras.layers.Flatten()(keras.layers.Lambda(lambda pixels: pixels)(inputs))
    own = save(keras.Model(inputs, keras.layers.Dense(3)(flat)), "lambda.keras")
    one = save(keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Flatten()(inputs))), "one.keras")
    good = save(color_network(low=0, high=1), "good.keras")
    moved = tmp_path / "moved.keras"
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(moved, "w") as new:
        for entry in old.namelist():
            content = old.read(entry)
            new.writestr(
                entry, content.replace(b"keras.layers", b"os") if entry == "config.json" else content
            )
    half = tmp_path / "half.h5"
    half.write_bytes(good.read_bytes()[:1000])
    other = tmp_path / "m.pb"
    other.write_bytes(b"x")
    two = tmp_path / "two.txt"
    two.write_text("a\nb\n")
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("red\ngreen\nyellow\n")
    for path, options, code, words in (
        (own, (), 3, "contains a Lambda"),
        (moved, (), 3, "(of os), which is not among the known layers"),
        (one, (), 3, "expected one output with a score for each class"),
        (half, (), 3, "not a Keras model in HDF5"),
        (other, (), 3, "expected a run, a Keras model"),
        (good, ("--labels", two), 3, "2 labels, the model has 3 outputs"),
        (good, ("--labels", wrong), 5, "the folder 'blue' is none of the labels"),
        (good, ("--input-range", "1,0"), 2, "--input-range takes two numbers"),
    ):
        out = tmp_path / "out.tflite"
        done = command("edge-convert", path, "--images", color_folder, *options, "--out", out)
        done.fails_at_last_with(code, words)
        assert not out.exists()
    command("edge-convert", good, "--out", tmp_path / "o.tflite").fails_with(2, "--images FOLDER")


def test_an_h5_of_keras_2_is_read_and_links_to_other_files_are_refused(
    command: Command, save: Save, color_folder: Path, tmp_path: Path
) -> None:
    import h5py

    path = save(color_network(low=0, high=255), "old.h5")
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            if layer["class_name"] == "DepthwiseConv2D":
                layer["config"]["groups"] = 1  # as Keras 2 wrote it
        file.attrs["model_config"] = json.dumps(config).encode()
    options = ("--images", color_folder, "--input-range", "0,255", "--out", tmp_path / "m.tflite")
    done = command("edge-convert", path, *options)
    assert done.code == 0, done.err
    with h5py.File(path, "r+") as file:
        file["model_weights/elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
    command("edge-convert", path, *options).fails_at_last_with(3, "elsewhere links to elsewhere; refused")


def test_a_run_is_never_replaced(command: Command, save: Save, color_folder: Path, tmp_path: Path) -> None:
    path = save(color_network(low=0, high=255), "m.keras")
    (tmp_path / "m.run").mkdir()
    (tmp_path / "m.run" / "card.json").write_text("{}")
    done = command("edge-convert", path, "--images", color_folder, "--out", tmp_path / "m.tflite")
    assert done.code == 3
    assert (tmp_path / "m.run" / "card.json").read_text() == "{}"


def test_a_converted_model_with_other_answers_is_refused(
    command: Command, save: Save, color_folder: Path, tmp_path: Path
) -> None:
    path = save(color_network(low=0, high=255), "m.keras")
    options = ("--images", color_folder, "--input-range", "0,255", "--max-drop", 1)
    # Labels in the wrong order cost no agreement; a model that gives equal scores has none.
    blind = color_network(low=0, high=255)
    blind.get_layer("dense").set_weights([1e-7 * np.eye(3), np.zeros(3)])
    none = save(blind, "blind.keras")
    out = tmp_path / "m.tflite"
    done = command("edge-convert", none, *options, "--out", out)
    done.fails_at_last_with(9, "gives the same answer as the float model on only", "--min-agreement is 0.99")
    assert not out.exists()
    assert json.loads(out.with_suffix(".conversion.json").read_text())["gate"]["min_agreement"] == 0.99
    accepted = command("edge-convert", none, *options, "--min-agreement", 0, "--out", out)
    assert accepted.code == 0
    assert "not the Keras model's; to keep more: --keep-float auto --min-agreement 0.96" in accepted.out
    good = command("edge-convert", path, *options, "--out", tmp_path / "good.tflite")
    assert good.code == 0
    assert "to keep more" not in good.out
