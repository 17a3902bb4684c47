"""Load a model that others trained: a Keras model, a float `.tflite`, or a SavedModel."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from converter.config import is_saved_model
from converter.foreign.float_tflite import rebuild
from converter.foreign.saved_model import read_saved_model
from converter.keras_file import MAX_CONFIG_BYTES, MAX_WEIGHTS_BYTES, check_keras_config, load_keras_model
from edge_runtime.core import ModelError, one_line, read_file, sha256
from edge_runtime.inference import open_engine, try_in_sandbox
from edge_runtime.model import ModelFile, read_model_file

KERAS, HDF5, TFLITE = ".keras", ".h5", ".tflite"

MAX_DIFFERENCE = 1e-3
"""Of the rebuilt model's outputs from the original's, of their largest absolute value."""


def load_foreign(path: Path) -> Any:
    """Load a model.

    Returns:
        A Keras model: float32 images, shape (batch, height, width, 3) → shape (batch, classes).

    Raises:
        ModelError: another kind of file, damaged, too large, with a layer or an operation that is not known,
            or with other inputs and outputs than an image classifier.
    """
    if is_saved_model(path):
        model = _rebuild(ModelFile(read_saved_model(path), (), None, str(path)))
    elif path.suffix == TFLITE:
        model = _rebuild(read_model_file(path))
    elif path.suffix == KERAS:
        model = load_keras_model(path)
    elif path.suffix == HDF5:
        model = _load_h5(path)
    else:
        raise ModelError(
            f"{path}: expected a run, a Keras model ({KERAS}, {HDF5}), a float {TFLITE}, or the folder of a "
            "SavedModel"
        )
    _check_form(model, path)
    return model


def labels_inside(path: Path) -> tuple[str, ...]:
    """The labels in a `.tflite`, or in a file beside it; empty for other models."""
    return read_model_file(path).labels if path.suffix == TFLITE else ()


def origin_sha256(path: Path) -> str:
    """SHA-256 of the model file; of a SavedModel over the hashes of its graph and its variables."""
    if not is_saved_model(path):
        return sha256(path.read_bytes())
    files = [path / "saved_model.pb", *sorted((path / "variables").glob("variables.*"))]
    return sha256("".join(sha256(each.read_bytes()) for each in files).encode())


def _rebuild(file: ModelFile) -> Any:
    """The Keras model of a float model; its outputs are those of the original."""
    model = rebuild(file.content, file.name)
    try_in_sandbox(file)
    engine = open_engine(file.content, name=file.name)
    images = np.random.default_rng(0).uniform(-1, 1, (2, *model.input_shape[1:])).astype(np.float32)
    expected = np.stack([engine.invoke(image[None]).reshape(-1) for image in images])
    difference = np.abs(model.predict(images, verbose=0).reshape(expected.shape) - expected).max()
    if not difference <= MAX_DIFFERENCE * np.abs(expected).max():
        raise ModelError(
            f"{file.name}: rebuilt as a Keras model its outputs differ by {difference:.2g}; refused"
        )
    return model


def _load_h5(path: Path) -> Any:
    """A model in HDF5. Keras 2 wrote arguments that Keras 3 refuses: they are taken out of a copy."""
    import h5py
    import keras

    content = read_file(path, max_bytes=MAX_WEIGHTS_BYTES, error=ModelError)
    memory = io.BytesIO(content)
    try:
        with h5py.File(memory, "r+") as file:
            config = _read_config(file, path)
            _check_links(file, path)
            check_keras_config(config, path)
            _modernize(config)
            file.attrs["model_config"] = json.dumps(config).encode()
    except (OSError, KeyError, ValueError, RuntimeError, RecursionError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path}: not a Keras model in HDF5, or damaged ({one_line(error):.120})") from error
    try:
        with h5py.File(memory, "r") as file:
            return keras.src.legacy.saving.legacy_h5_format.load_model_from_hdf5(file, compile=False)
    except Exception as error:
        raise ModelError(f"{path}: Keras cannot load it: {one_line(error):.200}") from error


def _read_config(file: Any, path: Path) -> Any:
    text = file.attrs.get("model_config")
    if text is None:
        raise ModelError(f"{path}: weights alone, without the model: save it with model.save('NAME.keras')")
    if len(text) > MAX_CONFIG_BYTES:
        raise ModelError(f"{path}: its configuration has {len(text)} bytes; at most {MAX_CONFIG_BYTES}")
    return json.loads(text)


def _check_links(file: Any, path: Path) -> None:
    """Refuse parts that are in other files."""
    import h5py

    waiting = [file]
    while waiting:
        group = waiting.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ModelError(f"{path}: {name!s:.60} links to elsewhere; refused")
            member = group[name]
            if isinstance(member, h5py.Group):
                waiting.append(member)
            elif member.external or member.is_virtual:
                raise ModelError(f"{path}: {name!s:.60} is kept in another file; refused")


def _modernize(config: Any) -> None:
    """Take out what Keras 2 wrote and Keras 3 refuses."""
    for layer in _layers(config):
        if layer.get("class_name") == "DepthwiseConv2D" and layer["config"].get("groups") == 1:
            del layer["config"]["groups"]


def _layers(config: Any) -> Iterator[dict[str, Any]]:
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if isinstance(value.get("config"), dict):
                yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _check_form(model: Any, path: Path) -> None:
    inputs, outputs = model.input_shape, model.output_shape
    image = isinstance(inputs, tuple) and len(inputs) == 4 and inputs[3] == 3 and all(inputs[1:])
    if not image:
        raise ModelError(
            f"{path}: expected one input of images of a fixed size, (None, height, width, 3), got {inputs}"
        )
    if not (isinstance(outputs, tuple) and len(outputs) == 2 and (outputs[1] or 0) >= 2):
        raise ModelError(
            f"{path}: expected one output with a score for each class, (None, classes) with two classes or "
            f"more, got {outputs}"
        )
