"""Class activation maps: where in an image the evidence for a class is.

With one dense layer after the average pooling, a class activation map as in Zhou and others, Learning Deep
Features for Discriminative Localization, 2016: exact. With `--head-units` its generalization by the gradient
of the logit, Selvaraju and others, Grad-CAM, 2017.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import Image
from edge_runtime.images import Grid
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


def read_grid(network: Network) -> Grid:
    """Where in an image the positions of the feature map look: the centers of their receptive fields.

    Padding that is not the same on both sides moves them; see `edge_runtime.inference.receptive_field`.
    """
    import keras

    first, step = np.zeros(2), np.ones(2)
    # All layers in their order: where MobileNetV2 branches, both ways look at the same place.
    for layer in network.base.layers:
        if isinstance(layer, keras.layers.ZeroPadding2D):
            first -= step * [before for before, _after in layer.padding]
        elif isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
            kernel, stride = np.array(layer.kernel_size), np.array(layer.strides)
            sizes = [np.array(each.shape[1:3]) for each in (layer.input, layer.output)]
            whole = np.maximum((sizes[1] - 1) * stride + kernel - sizes[0], 0)
            padded = layer.padding == "same"
            first += step * ((kernel - 1) / 2 - padded * (whole // 2))
            step *= stride
    return Grid((float(first[0]), float(first[1])), (float(step[0]), float(step[1])))
