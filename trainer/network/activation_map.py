"""Class activation maps: where in an image the evidence for a class is.

With one dense layer after the average pooling, a class activation map as in Zhou and others, Learning Deep
Features for Discriminative Localization, 2016: exact. With `--head-units` its generalization by the gradient
of the logit, Selvaraju and others, Grad-CAM, 2017.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image
from trainer.network.classifier import Network
from trainer.network.rejection_head import split_last_layer


def measure_activation(
    network: Network, images: Sequence[Image], targets: Sequence[int]
) -> NDArray[np.float32]:
    """The evidence for a class at each position of the feature map.

    Args:
        network: without a rejection, in float32.
        images: uint8 RGB of the network's size, at least one.
        targets: the class of each.

    Returns:
        float32, shape (images, rows, columns). The mean over the positions is by how much the class' logit is
        above the mean logit, without biases.
    """
    import keras
    import tensorflow as tf

    rescaling, base = network.features.layers[1:]
    feature_map = keras.Model(base.input, base.layers[-1].input)
    hidden, kernel, _bias = split_last_layer(network.head)
    found = feature_map(rescaling(np.stack(images).astype(np.float32)), training=False)
    directions = (kernel - kernel.mean(axis=1, keepdims=True))[:, list(targets)].T
    with tf.GradientTape() as tape:
        pooled = tf.reduce_mean(found, axis=(1, 2))
        tape.watch(pooled)
        evidence = tf.reduce_sum(hidden(pooled, training=False) * directions)
    gradient = tape.gradient(evidence, pooled)
    return np.asarray(tf.einsum("nhwc,nc->nhw", found, gradient), np.float32)
