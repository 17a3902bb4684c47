"""The network: raw pixels → rescaling → MobileNetV2 → average pooling → head → scores."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime import ModelError
from trainer.config import TrainConfig

ARCHITECTURE = "MobileNetV2"


@dataclass(frozen=True)
class Network:
    """A Keras model and its two parts, which share their weights with it.

    Attributes:
        model: float32 pixels in [0, 255], shape (batch, height, width, 3) → scores, shape (batch, classes).
        features: the rescaling and the base: pixels → features, shape (batch, channels).
        base: MobileNetV2 without top, with average pooling.
        head: features → scores.
    """

    model: Any
    features: Any
    base: Any
    head: Any


def build_network(config: TrainConfig, classes: int) -> Network:
    """Build the network and load the base's weights.

    Raises:
        ModelError: the weights cannot be had or do not fit.
    """
    import keras

    shape = (config.image_size, config.image_size, 3)
    base = _build_base(config, shape)
    inputs = keras.Input(shape, name="pixels")
    outputs = base(keras.layers.Rescaling(1 / 127.5, offset=-1, name="rescaling")(inputs))
    features = keras.Model(inputs, outputs, name="features")
    head = _build_head(config, classes, int(outputs.shape[-1]))
    model = keras.Model(inputs, head(outputs), name="classifier")
    return Network(model, features, base, head)


def freeze(network: Network, *, fine_tune_at: int, train_batch_norm: bool) -> None:
    """Let the base train from one layer on, and decide over BatchNormalization.

    `trainable = False` on each BatchNormalization layer is the only way to keep it in inference mode: calling
    the base with `training=False` inside a functional model does not, once the base is trainable.
    """
    import keras

    network.base.trainable = True
    for position, layer in enumerate(network.base.layers):
        is_batch_norm = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = position >= fine_tune_at and (train_batch_norm or not is_batch_norm)


def _build_base(config: TrainConfig, shape: tuple[int, int, int]) -> Any:
    import keras

    weights = "imagenet" if config.weights == "imagenet" else None
    try:
        base = keras.applications.MobileNetV2(
            input_shape=shape, alpha=config.alpha, include_top=False, pooling="avg", weights=weights
        )
    except ValueError as error:
        raise ModelError(f"MobileNetV2 cannot be built so: {error!s:.300}") from error
    except Exception as error:
        # Keras raises a bare Exception when a download fails.
        raise ModelError(
            f"the ImageNet weights cannot be downloaded ({error!s:.160}). Three ways out: connect "
            "this machine to the internet and try again; --weights FILE with a .weights.h5 of MobileNetV2 "
            "without top; --weights none to start from scratch"
        ) from error
    if weights is None and not config.from_scratch:
        _load_weights(base, Path(config.weights))
    return base


def _load_weights(base: Any, path: Path) -> None:
    if not path.is_file():
        raise ModelError(f"--weights takes imagenet, none or a file; there is no file {path}")
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers that it finds no weights for, and leaves them random.
            warnings.simplefilter("error", UserWarning)
            base.load_weights(path)
    except (OSError, ValueError, KeyError, UserWarning) as error:
        reason = " ".join(str(error).split())
        raise ModelError(
            f"{path}: not the weights of MobileNetV2 without top at this --alpha ({reason:.200})"
        ) from error


def _build_head(config: TrainConfig, classes: int, channels: int) -> Any:
    import keras

    layers = [keras.Input((channels,), name="features"), keras.layers.Dropout(config.dropout)]
    if config.head_units:
        layers += [keras.layers.Dense(config.head_units, "relu"), keras.layers.Dropout(config.dropout)]
    layers.append(keras.layers.Dense(classes, "softmax", name="scores", dtype="float32"))
    return keras.Sequential(layers, name="head")
