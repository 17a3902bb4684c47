"""The head phase on cached features: the frozen base sees each picture once, not once an epoch."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.augmentation import Augment, build_augmentation, mirror
from trainer.batches import Batches, Targets
from trainer.config import TrainConfig
from trainer.fitting import Pairs, Phase
from trainer.network import Network


def head_phase(config: TrainConfig, network: Network, train: Batches, validation: Batches) -> Phase:
    """The phase that trains the head alone: on features of the pictures, mirrored and augmented."""
    copies: list[Augment | None] = [None]
    augment = build_augmentation(config)
    if config.flip:
        copies.append(mirror)
    if augment is not None:
        copies += [augment] * config.augment_copies
    features = np.concatenate([extract_features(network.features, train, each) for each in copies])
    targets = np.tile(train.targets, len(copies))
    held_out = extract_features(network.features, validation)
    size = config.batch_size
    return Phase(
        name="head",
        model=network.head,
        batches=lambda epoch: _slices(
            features, targets, size, np.random.default_rng(config.seed + epoch).permutation(len(targets))
        ),
        steps=-(-len(targets) // size),
        validation=list(_slices(held_out, validation.targets, size, np.arange(len(held_out)))),
        epochs=config.head_epochs,
        rate=config.head_rate,
        weight_decay=0.0,
        penalty=head_penalty(config, network, len(train.samples)),
    )


def head_penalty(config: TrainConfig, network: Network, pictures: int) -> Callable[[], Any]:
    """The L2 penalty of the head: a Gaussian prior on its weights, as ridge and logistic regression have it.

    With few pictures it counts much, with many little.
    """
    import tensorflow as tf

    strength = config.head_l2 / pictures
    kernels = [layer.kernel for layer in network.head.layers if hasattr(layer, "kernel")]
    return lambda: strength * tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])


def extract_features(model: Any, batches: Batches, augment: Augment | None = None) -> NDArray[np.float32]:
    """What the base makes of every picture, in inference mode and in order.

    Args:
        model: pixels → features.
        batches: the pictures.
        augment: changes the pixels first.

    Returns:
        float32, shape (pictures, channels).
    """
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def forward(pixels: Any) -> Any:
        pixels = tf.cast(pixels, tf.float32)
        return model(pixels if augment is None else augment(pixels), training=False)

    return np.concatenate([forward(pixels).numpy() for pixels, _targets in batches])


def _slices(features: NDArray[np.float32], targets: Targets, size: int, order: NDArray[np.int64]) -> Pairs:
    for start in range(0, len(order), size):
        part = order[start : start + size]
        yield features[part], targets[part]
