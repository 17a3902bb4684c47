"""The converted model beside the Keras model, on the same pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime import Classifier, Image, ModelCard, ModelFile, pack_model_file
from edge_runtime.core.progress import Tick, no_tick
from edge_runtime.core.statistics import SURE, mcnemar

_SMALLEST = 1e-7


@dataclass(frozen=True)
class Comparison:
    """How a converted model differs from the Keras model.

    Attributes:
        count: pictures.
        float_accuracy: of the Keras model, in [0, 1].
        accuracy: of the converted one, in [0, 1].
        lost: images that only the Keras model gets right.
        won: images that only the converted one gets right.
        agreement: share of pictures with the same best label, in [0, 1].
        kl_divergence: mean of the Kullback-Leibler divergence of the converted scores from the Keras model's,
            in nats.
        class_drops: label → accuracy lost on its pictures, in [-1, 1], the worst first.
    """

    count: int
    float_accuracy: float
    accuracy: float
    lost: int
    won: int
    agreement: float
    kl_divergence: float
    class_drops: dict[str, float]

    @property
    def drop(self) -> float:
        """Accuracy lost, in [-1, 1]."""
        return self.float_accuracy - self.accuracy

    @property
    def p_value(self) -> float:
        """How likely a model that is as good as the Keras model differs so much by chance, in [0, 1]."""
        return mcnemar(self.lost, self.won)

    @property
    def is_real(self) -> bool:
        """Whether the difference is more than chance, or the images are too few for the test to tell."""
        most_that_can_be_lost = round(self.float_accuracy * self.count)
        return self.p_value < SURE or mcnemar(most_that_can_be_lost, 0) >= SURE

    def within(self, max_drop: float) -> bool:
        """Whether no real loss of accuracy exceeds `max_drop`, in [0, 1]."""
        # Differences of fractions are off in the last bits: 10 of 1,000 lost is within 0.01.
        return self.drop <= max_drop + 1e-9 or not self.is_real


def compare(
    expected: NDArray[np.float32],
    found: NDArray[np.float32],
    targets: NDArray[np.int64],
    labels: Sequence[str],
) -> Comparison:
    """Compare scores.

    Args:
        expected: the Keras model's, shape (pictures, classes).
        found: the converted model's, same shape.
        targets: true class indices, shape (pictures,).
        labels: of the classes.
    """
    float_right = expected.argmax(axis=1) == targets
    right = found.argmax(axis=1) == targets
    drops = {
        label: float(float_right[targets == index].mean() - right[targets == index].mean())
        for index, label in enumerate(labels)
        if (targets == index).any()
    }
    p, q = (np.clip(scores.astype(np.float64), _SMALLEST, 1.0) for scores in (expected, found))
    return Comparison(
        count=len(targets),
        float_accuracy=float(float_right.mean()),
        accuracy=float(right.mean()),
        lost=int((float_right & ~right).sum()),
        won=int((~float_right & right).sum()),
        agreement=float((expected.argmax(axis=1) == found.argmax(axis=1)).mean()),
        # Scores of 256 levels do not sum to 1 exactly: of equal ones the sum can be just below 0.
        kl_divergence=max(0.0, float((p * np.log(p / q)).sum(axis=1).mean())),
        class_drops=dict(sorted(drops.items(), key=lambda item: -item[1])),
    )


def float_scores(
    model: Any, images: Sequence[Image], batch_size: int = 64, *, tick: Tick = no_tick
) -> NDArray[np.float32]:
    """The Keras model's scores, float32, shape (pictures, classes)."""
    import tensorflow as tf

    # One trace for batches of all sizes; no Python branch in here depends on a tensor.
    shape = tf.TensorShape([None, *model.input_shape[1:]])

    @tf.function(autograph=False, input_signature=[tf.TensorSpec(shape, tf.uint8)])
    def forward(pixels: Any) -> Any:
        return model(tf.cast(pixels, tf.float32), training=False)

    rows = []
    for start in range(0, len(images), batch_size):
        rows.append(forward(np.stack(images[start : start + batch_size])).numpy())
        tick(min(start + batch_size, len(images)), len(images))
    return np.concatenate(rows)


def open_converted(model: bytes, card: ModelCard) -> Classifier:
    """A classifier from a model that this process has just converted."""
    file = ModelFile(pack_model_file(model, card), card.labels, card, "the converted model")
    return Classifier(file, trusted=True)


def converted_scores(
    model: bytes, card: ModelCard, images: Sequence[Image], tick: Tick = no_tick
) -> NDArray[np.float32]:
    """A converted model's scores as the device computes them, float32, shape (pictures, classes)."""
    classifier = open_converted(model, card)
    rows = []
    for done, image in enumerate(images, 1):
        rows.append(classifier.scores(image))
        tick(done, len(images))
    return np.stack(rows)
