"""Every random state of a phase is found and restarted."""

from typing import Any

import numpy as np
import pytest

from trainer import RandomFlip, TrainConfig
from trainer.data import build_augmentation, build_mixing
from trainer.fitting.randomness import random_states, restart_randomness
from trainer.network import build_network


def test_everything_random_in_a_phase_restarts_with_a_seed() -> None:
    """Resuming repeats an epoch only if no random state is missed, whatever Keras calls it."""
    small = TrainConfig(data="x", weights="none", alpha=0.35, image_size=32, dropout=0.5, head_units=64)
    network = build_network(small, 2)
    config = TrainConfig(
        data="x",
        flip=RandomFlip.ON,
        rotation=0.2,
        brightness=0.3,
        cutout=0.4,
        sharpness=0.5,
        field=True,
        mixup=0.4,
    )
    augment = build_augmentation(config)
    assert augment is not None
    pixels = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3)).astype(np.float32)
    labels = np.eye(2, dtype=np.float32)[np.arange(16) % 2]
    mix = build_mixing(config)
    states = random_states(network.model, augment.pipeline, mix)

    def work() -> list[np.ndarray]:
        mixed = mix({"images": augment(pixels), "labels": labels})
        changed = np.asarray(mixed["images"])
        return [changed, np.asarray(network.head(np.ones((4, 1280), np.float32), training=True))]

    restart_randomness(states, 5)
    first, second = work(), work()
    restart_randomness(states, 5)
    again = work()
    for one, other, repeated in zip(first, second, again, strict=True):
        assert not np.array_equal(one, other)
        np.testing.assert_array_equal(one, repeated)


def test_a_random_state_that_is_not_found_is_an_error() -> None:
    """As it would be if Keras kept its generators elsewhere."""
    import keras

    class Hidden(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.counter = self.add_weight(shape=(), dtype="int64", trainable=False, name="any_name")

        def call(self, inputs: Any) -> Any:
            return inputs

    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2)(Hidden()(inputs)))
    with pytest.raises(RuntimeError, match="random states"):
        random_states(model)
