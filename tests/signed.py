"""Signed model files for tests."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_runtime import ModelCard, pack_model_file
from edge_runtime.model import Rejection
from edge_runtime.trust import (
    PrivateKey,
    PublicKey,
    certify,
    read_certificates,
    read_private_key,
    sign_model,
    write_new_key,
)

LABELS = ("red", "green", "blue")


@dataclass(frozen=True)
class Signer:
    """A key with its files, and model files signed by it."""

    folder: Path
    content: bytes

    @property
    def key(self) -> PrivateKey:
        return read_private_key(self.folder / "signing.key")

    @property
    def public(self) -> Path:
        return self.folder / "signing.pub"

    def unsigned(self, seed: int, content: bytes | None = None) -> bytes:
        """A model file of the same answers, and another SHA-256 for each seed."""
        card = ModelCard(labels=LABELS, image_size=(8, 8), seed=seed)
        return pack_model_file(self.content if content is None else content, card)

    def sign(self, counter: int, name: str = "colors", content: bytes | None = None) -> bytes:
        return sign_model(self.unsigned(counter, content), name, counter, self.key)


def make_signer(folder: Path, model: Path) -> Signer:
    folder.mkdir(parents=True, exist_ok=True)
    write_new_key(folder / "signing.key")
    return Signer(folder, model.read_bytes())


def certified(folder: Path, root: PrivateKey, key: PublicKey, serial: int) -> tuple[object, ...]:
    """The certificates of a key, read from their file."""
    path = folder / f"{serial}.cert"
    path.write_text(certify(key, serial, root))
    return read_certificates(path)


def constant_models(folder: Path) -> None:
    """Write `red.tflite` and `unknown.tflite`: models without labels that always give the same answer."""
    import keras
    import tensorflow as tf

    for index, name in ((0, "red"), (2, "unknown")):
        inputs = keras.Input(batch_shape=(1, 8, 8, 3))
        dense = keras.layers.Dense(3, activation="softmax")
        model = keras.Model(inputs, dense(keras.layers.GlobalAveragePooling2D()(inputs)))
        dense.set_weights([np.zeros((3, 3), np.float32), 9 * np.eye(3, dtype=np.float32)[index]])
        (folder / f"{name}.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())


def with_rejection(content: bytes, seed: int) -> bytes:
    """A model file whose last output is for images of no class."""
    rejection = Rejection(
        label="unknown", keep=0.95, images=100, kept_low=0.9, kept_high=0.98, temperature=1.0
    )
    labels = ("red", "green", "unknown")
    return pack_model_file(
        content, ModelCard(labels=labels, image_size=(8, 8), seed=seed, rejection=rejection)
    )
