"""Load a Keras file safely: only known layers are built."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge_runtime.core import ModelError, one_line, read_file

MAX_CONFIG_BYTES = 16 * 1024**2
MAX_WEIGHTS_BYTES = 1024**3
MAX_OBJECTS = 20_000

_MODULES = frozenset(
    {
        None, "keras", "keras.layers", "keras.initializers", "keras.regularizers",
        "keras.src.models.functional", "keras.src.models.sequential",
    }
)  # fmt: skip
_CLASSES = frozenset(
    {
        "__keras_tensor__", "Functional", "Sequential", "DTypePolicy",
        "InputLayer", "Rescaling", "ZeroPadding2D", "Conv2D", "DepthwiseConv2D", "BatchNormalization", "ReLU",
        "Add", "GlobalAveragePooling2D", "Dropout", "Dense",
        # The output for images of no class.
        "Multiply", "Subtract", "Reshape", "GlobalMaxPooling1D", "Concatenate", "Softmax",
        # What MobileNetV3, EfficientNet, Teachable Machine and course notebooks have beside these.
        "Model", "Activation", "Flatten", "Normalization", "MaxPooling2D", "AveragePooling2D",
        "GlobalMaxPooling2D", "SeparableConv2D", "LeakyReLU",
        "RandomFlip", "RandomRotation", "RandomZoom", "RandomContrast", "RandomTranslation",
        "RandomBrightness",
        "Zeros", "Ones", "GlorotUniform", "VarianceScaling", "HeNormal", "TruncatedNormal",
        "RandomUniform", "RandomNormal", "L2",
    }
)  # fmt: skip
_OPERATIONS = frozenset({"Add", "Subtract", "Multiply", "TrueDivide", "Divide"})
"""Arithmetic between layers, of module `keras.src.ops.numpy`."""


def load_keras_model(path: Path) -> Any:
    """Load a run's `model.keras`.

    Returns:
        A Keras model: float32 pixels in [0, 255], shape (batch, height, width, 3) → scores.

    Raises:
        ModelError: missing, damaged, too large, or with a layer that is not known.
    """
    check_keras_config(_read_config(path), path)
    import keras

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise ModelError(f"{path}: Keras cannot load it: {one_line(error):.200}") from error


def _read_config(path: Path) -> Any:
    content = read_file(path, max_bytes=MAX_WEIGHTS_BYTES, error=ModelError)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
            fits = (
                sizes.get("config.json", 0) <= MAX_CONFIG_BYTES and sum(sizes.values()) <= MAX_WEIGHTS_BYTES
            )
            config = json.loads(archive.read("config.json")) if fits else None
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, RuntimeError) as error:
        raise ModelError(f"{path}: not a .keras file, or damaged ({error})") from error
    if not fits:
        raise ModelError(f"{path}: larger than a MobileNetV2 classifier can be")
    return config


def check_keras_config(config: Any, path: Path) -> None:
    """Refuse a model whose configuration, parsed from JSON, names anything but known layers.

    Raises:
        ModelError: with the first of the others.
    """
    if not isinstance(config, dict):
        raise ModelError(f"{path}: its configuration is not an object; refused")
    # Loss and optimizer of the training are not built without `compile`.
    built = {key: value for key, value in config.items() if key != "compile_config"}
    for number, (module, name) in enumerate(_objects(built)):
        known = module in _MODULES and name in _CLASSES
        arithmetic = module == "keras.src.ops.numpy" and name in _OPERATIONS
        if not (known or arithmetic):
            raise ModelError(
                f"{path}: contains a {name!s:.60} (of {module!s:.60}), which is not among the known layers; "
                "refused"
            )
        if number > MAX_OBJECTS:
            raise ModelError(f"{path}: more than {MAX_OBJECTS} objects; refused")


def _objects(config: Any) -> Iterator[tuple[Any, Any]]:
    """The module and name of every object that Keras would build, found without recursion."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                yield value.get("module"), value["class_name"]
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
