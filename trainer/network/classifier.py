"""Build the network: raw pixels → rescaling → MobileNetV2 → average pooling → head → scores."""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import ModelError, UsageError
from trainer.choices import FloatPolicy
from trainer.config import TrainConfig
from trainer.network.forward import Forward, build_forward, chain

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

    @cached_property
    def forward(self) -> Forward:
        """Pixels → features in inference mode, compiled once for all batches."""
        return build_forward(self.features)

    @cached_property
    def score(self) -> Forward:
        """Pixels → scores in inference mode."""
        return chain(self.forward, build_forward(self.head))


def build_network(config: TrainConfig, classes: int) -> Network:
    """Build the network and load the base's weights.

    Raises:
        ModelError: the weights cannot be downloaded or do not match.
        UsageError: one logit for other than two classes.
    """
    with _float_policy(config.float_policy):
        return _build(config, classes)


def is_plain(config: TrainConfig) -> bool:
    """Whether the network computes in float32 throughout."""
    return config.float_policy is FloatPolicy.FLOAT32


def rebuild_plain(config: TrainConfig, network: Network, classes: int) -> Network:
    """The same network with the same weights as plain float32 variables of this process.

    It is evaluated and saved, whatever number format or device it was trained with.
    """
    plain = build_network(
        replace(config, weights="none", from_=None, float_policy=FloatPolicy.FLOAT32), classes
    )
    plain.model.set_weights(network.model.get_weights())
    return plain


def _build(config: TrainConfig, classes: int) -> Network:
    import keras

    shape = (config.image_size, config.image_size, 3)
    base = _build_base(config, shape)
    inputs = keras.Input(shape, name="pixels")
    factor, offset = config.input_scale.rescaling
    outputs = base(keras.layers.Rescaling(factor, offset=offset, name="rescaling")(inputs))
    features = keras.Model(inputs, outputs, name="features")
    head = _build_head(config, classes, int(outputs.shape[-1]))
    model = keras.Model(inputs, head(outputs), name="classifier")
    return Network(model, features, base, head)


@contextlib.contextmanager
def _float_policy(policy: FloatPolicy) -> Iterator[None]:
    """Set Keras' global dtype policy, since its application models take no dtype."""
    import keras

    before = keras.config.dtype_policy()
    if policy is not FloatPolicy.FLOAT32:
        keras.config.set_dtype_policy(f"mixed_{policy.value}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def freeze(network: Network, *, fine_tune_at: int, train_batch_norm: bool) -> None:
    """Freeze the base up to a layer, and BatchNormalization layers on request.

    `trainable = False` on each BatchNormalization layer is the only way to keep it in inference mode: calling
    the base with `training=False` inside a functional model does not, once the base is trainable.
    """
    import keras

    network.base.trainable = True
    for position, layer in enumerate(network.base.layers):
        is_batch_norm = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = position >= fine_tune_at and (train_batch_norm or not is_batch_norm)


def set_linear_head(network: Network, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
    """Give the head's last layer its weights.

    Args:
        network: without a hidden layer in its head.
        kernel: features → logits, shape (channels, classes).
        bias: shape (classes,).
    """
    names = {layer.name: layer for layer in network.head.layers}
    if "logit" in names:
        # Of two classes: only the difference counts.
        names["logit"].set_weights([kernel[:, 1:] - kernel[:, :1], bias[1:] - bias[:1]])
    else:
        names["scores"].set_weights([kernel, bias])


def _build_base(config: TrainConfig, shape: tuple[int, int, int]) -> Any:
    import keras

    # The weights of an earlier run replace all others.
    weights = "imagenet" if config.weights == "imagenet" and config.from_ is None else None
    try:
        base = keras.applications.MobileNetV2(
            input_shape=shape, alpha=config.alpha, include_top=False, pooling="avg", weights=weights
        )
    except ValueError as error:
        raise ModelError(f"MobileNetV2 cannot be built with these options: {error!s:.300}") from error
    except Exception as error:
        # Keras raises a bare Exception when a download fails.
        raise ModelError(
            f"the ImageNet weights cannot be downloaded ({error!s:.160}). Connect "
            "this machine to the internet and try again, or use --weights FILE with a .weights.h5 "
            "of MobileNetV2 without top, or --weights none to start from scratch"
        ) from error
    if config.weights not in ("imagenet", "none") and config.from_ is None:
        _load_weights(base, Path(config.weights))
    return base


def _load_weights(base: Any, path: Path) -> None:
    if not path.is_file():
        raise ModelError(f"--weights takes imagenet, none or a file; there is no file {path}")
    try:
        with warnings.catch_warnings():
            # Keras only warns about layers without weights in the file, and leaves them random.
            warnings.simplefilter("error", UserWarning)
            base.load_weights(path)
    except (OSError, ValueError, KeyError, UserWarning) as error:
        reason = " ".join(str(error).split())
        raise ModelError(
            f"{path}: not the weights of MobileNetV2 without top at this --alpha ({reason:.200})"
        ) from error


def _build_head(config: TrainConfig, classes: int, channels: int) -> Any:
    import keras

    layers = [keras.Input((channels,), name="features")]
    if config.head_units:
        layers.append(keras.layers.Dense(config.head_units, "relu"))
    layers.append(keras.layers.Dropout(config.dropout))
    if not config.one_logit:
        return keras.Sequential([*layers, _scores(classes)], name="head")
    if classes != 2:
        raise UsageError(f"--one-logit is for two classes, the data has {classes}")
    # The softmax of (0, logit) is (1 - sigmoid(logit), sigmoid(logit)).
    both = _scores(2, use_bias=False, trainable=False)
    head = keras.Sequential(
        [*layers, keras.layers.Dense(1, name="logit", dtype="float32"), both], name="head"
    )
    both.set_weights([np.array([[0.0, 1.0]], np.float32)])
    return head


def _scores(classes: int, **options: bool) -> Any:
    import keras

    return keras.layers.Dense(classes, "softmax", name="scores", dtype="float32", **options)
