"""The part of the network that rejects images of no class, and the network with it.

The rejection is inside the graph, as one more output of the softmax, so that every program that runs the
model gets it. With f the pooled features, z the logits divided by the temperature and t the largest of them:

    evidence  e = Σ relu(V f + c)                         of the detectors, 0 for usual images
    margin    m = t - e - threshold                        positive: the image is kept
    lead      l = -sharpness · m                          up to KNEE
              l = min(KNEE + slope · (l - KNEE), LIMIT)   above
    scores    softmax(z_1 - t … z_k - t, l)               l is the logit of `unknown`

So `unknown` has the highest score exactly where the margin is negative. An image that is kept soon has next
to no score left for it. Beside the largest logit, which is 0, the range of all logits is that of the lead and
as much below 0 as makes a difference, whatever range the logits have: in int8 a step of the lead is about
0.05. Up to KNEE the lead is so steep that images near the threshold do not share a step with it, above so
gentle that most of those that are rejected can still be told apart: the limit is reached where
sharpness · m is -158, or farther away.

A logit beside those of the classes that grows with what the features have and the classes do not: ViM, Wang
et al., 2022, equation 5. A detector is trained on examples of what it detects, as in Hendrycks et al., Deep
Anomaly Detection with Outlier Exposure, 2019, but beside the classes, which it does not change.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.network.classifier import Network

LIMIT = 4.0
"""Largest lead of the logit of `unknown`: 1.8 % of the score is left, and shows which class is nearest."""

KNEE = 0.5
"""The lead above which it grows more slowly with the margin: more than two steps of a logit in int8."""

STEEPEST = 1 / 45
"""How much more slowly, at most. Chosen on digits: docs/unknown.md."""

Rows = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class RejectionHead:
    """The weights of a rejection; see the module's formulas.

    Attributes:
        temperature: that logits are divided by.
        directions: V, float32, shape (channels, detectors).
        offsets: c, shape (detectors,).
        threshold: of the largest logit, where there is no evidence.
        sharpness: how fast the score of `unknown` changes with the margin.
        slope: how much more slowly the lead grows above `KNEE`.
    """

    temperature: float
    directions: Rows
    offsets: Rows
    threshold: float
    sharpness: float
    slope: float = STEEPEST

    def evidence(self, features: Rows) -> Rows:
        """The evidence against each image, in logits: float32, shape (images,)."""
        detected = np.maximum(0, features @ self.directions + self.offsets)
        return np.asarray(detected.sum(axis=1), np.float32)

    def margin(self, features: Rows, logits: Rows) -> Rows:
        """Positive for images that are kept: float32, shape (images,).

        Args:
            features: shape (images, channels).
            logits: of the classes, not divided by the temperature, shape (images, classes).
        """
        margin = logits.max(axis=1) / self.temperature - self.evidence(features) - self.threshold
        return np.asarray(margin, np.float32)

    def reaching(self, margin: float) -> "RejectionHead":
        """The same with a lead that reaches its limit at this margin, or nearer to 0 where it does so anyway.

        Args:
            margin: of an image that is rejected.
        """
        room = -self.sharpness * margin - KNEE
        return replace(self, slope=min(STEEPEST, (LIMIT - KNEE) / room) if room > 0 else STEEPEST)

    def scores(self, features: Rows, logits: Rows) -> Rows:
        """The scores of the classes and of `unknown`, float32, shape (images, classes + 1)."""
        scaled = logits / self.temperature
        steep = -self.sharpness * self.margin(features, logits)
        lead = np.where(steep < KNEE, steep, np.minimum(KNEE + self.slope * (steep - KNEE), LIMIT))
        together = np.column_stack([scaled - scaled.max(axis=1, keepdims=True), lead])
        powers = np.exp(together - together.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def read_logits(network: Network, features: Rows) -> Rows:
    """The logits of the classes, float32, shape (images, classes).

    Args:
        network: without a rejection.
        features: shape (images, channels).
    """
    hidden, kernel, bias = split_last_layer(network.head)
    values = (
        hidden.predict(features, verbose=0, batch_size=4096) if len(features) else np.zeros((0, len(kernel)))
    )
    return np.asarray(values @ kernel + bias, np.float32)


def add_rejection(network: Network, rejection: RejectionHead) -> Network:
    """The network with one more output, for images of no class. The base is shared, the head is new.

    Args:
        network: without a rejection, in float32.
        rejection: the weights.

    Returns:
        A network with classes + 1 outputs.
    """
    import keras

    layers = keras.layers
    hidden, kernel, bias = split_last_layer(network.head)
    features = keras.Input(hidden.input_shape[1:], name="features")
    logits = layers.Dense(kernel.shape[1], name="logits")
    detectors = layers.Dense(rejection.directions.shape[1], "relu", name="detectors")
    scores = logits(hidden(features))
    detected = detectors(features)
    column = layers.Reshape((kernel.shape[1], 1), name="column")(scores)
    largest = layers.GlobalMaxPooling1D(name="largest")(column)
    # With M = sharpness · margin and k = (1 - slope) · KNEE:
    # lead = LIMIT - (relu(LIMIT - k + slope · M) + relu(k + (1 - slope) · M)).
    slope = rejection.slope
    bend = (1 - slope) * KNEE
    gentle = _Branch("gentle", slope, LIMIT - bend).build(rejection, detected, largest)
    steep = _Branch("steep", 1 - slope, bend).build(rejection, detected, largest)
    lead = LIMIT - layers.Add(name="below_limit")([gentle, steep])
    relative = layers.Subtract(name="relative")([scores, largest])
    together = layers.Concatenate(name="together")([relative, lead])
    head = keras.Model(features, layers.Softmax(name="scores")(together), name="head")
    logits.set_weights([kernel / rejection.temperature, bias / rejection.temperature])
    detectors.set_weights([rejection.directions, rejection.offsets])
    pixels = keras.Input(network.model.input_shape[1:], name="pixels")
    model = keras.Model(pixels, head(_apply_features(network, pixels)), name="classifier")
    return Network(model, network.features, network.base, head)


@dataclass(frozen=True)
class _Branch:
    """relu(factor · sharpness · margin + offset), as layers.

    The branches share no layer after the detectors: OpenVINO takes two dense layers of one unit in a row for
    a multilayer perceptron, and fails to compile such a small one.
    """

    name: str
    factor: float
    offset: float

    def build(self, rejection: RejectionHead, detected: Any, largest: Any) -> Any:
        import keras

        layers = keras.layers
        scale = self.factor * rejection.sharpness
        surplus = layers.Dense(1, name=f"{self.name}_surplus")
        evidence = layers.Dense(1, name=f"{self.name}_evidence")
        left = layers.Subtract(name=f"{self.name}_left")([surplus(largest), evidence(detected)])
        surplus.set_weights([np.array([[scale]]), np.array([self.offset - scale * rejection.threshold])])
        evidence.set_weights([np.full((len(rejection.offsets), 1), scale), np.zeros(1)])
        return layers.ReLU(name=self.name)(left)


def _apply_features(network: Network, pixels: Any) -> Any:
    """The rescaling and the base as layers of a new model, not as a model inside it."""
    outputs = pixels
    for layer in network.features.layers[1:]:
        outputs = layer(outputs)
    return outputs


def split_last_layer(head: Any) -> tuple[Any, Rows, Rows]:
    """A head as the layers before the logits, and the kernel and bias that give the logits.

    Args:
        head: of a network without a rejection.

    Returns:
        A Keras model features → what the logits are computed from, the kernel (units, classes), the bias.
    """
    import keras

    *before, last = head.layers
    kernel, *biases = last.get_weights()
    bias = biases[0] if biases else np.zeros(kernel.shape[1], np.float32)
    if not last.trainable:
        # One logit: the fixed layer after it makes two of it.
        *before, single = before
        weights, offset = single.get_weights()
        kernel, bias = weights @ kernel, offset @ kernel + bias
    inputs = outputs = keras.Input(head.input_shape[1:])
    for layer in before:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs), kernel, bias
