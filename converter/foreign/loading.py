"""Load a Keras model that others trained (`.keras`, or `.h5` of Keras 2 and 3); no code of it is executed."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from converter.keras_file import MAX_CONFIG_BYTES, MAX_WEIGHTS_BYTES, check_keras_config, load_keras_model
from edge_runtime.core import ModelError, one_line, read_file

SUFFIXES = (".keras", ".h5")


def load_foreign(path: Path) -> Any:
    """Load a Keras model.

    Returns:
        A Keras model: float32 images, shape (batch, height, width, 3) → shape (batch, classes).

    Raises:
        ModelError: another kind of file, damaged, too large, with a layer that is not known, or with other
            inputs and outputs than an image classifier.
    """
    if path.suffix not in SUFFIXES:
        raise ModelError(
            f"{path}: expected a run, or a Keras model ({' or '.join(SUFFIXES)}); a SavedModel can contain "
            "any operation and a .tflite cannot be calibrated: save the model with model.save('NAME.keras')"
        )
    model = load_keras_model(path) if path.suffix == ".keras" else _load_h5(path)
    _check_form(model, path)
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
