"""Compare a converted model with the Keras model on the same images: agreement and accuracy."""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import (
    SIGNIFICANCE_LEVEL,
    Image,
    Tick,
    in_groups,
    map_in_order,
    mcnemar,
    no_tick,
)
from edge_runtime.inference import Classifier, build_classifier, open_engine
from edge_runtime.model import ModelCard, ModelFile, pack_model_file

_SMALLEST = 1e-7
_GROUP = 16
_BATCH = 64


@dataclass(frozen=True)
class Agreement:
    """How close a converted model's scores are to the Keras model's, whatever is right.

    Attributes:
        agreement: fraction of images with the same best label, in [0, 1].
        kl_divergence: mean Kullback-Leibler divergence of the converted scores from the Keras model's, in
            nats.
    """

    agreement: float
    kl_divergence: float


@dataclass(frozen=True)
class Comparison:
    """How a converted model differs from the Keras model.

    Attributes:
        count: images.
        float_accuracy: of the Keras model, in [0, 1].
        accuracy: of the converted model, in [0, 1].
        lost: images that only the Keras model gets right.
        won: images that only the converted model gets right.
        agreement: see `Agreement`.
        kl_divergence: see `Agreement`.
        class_drops: label → accuracy lost on its images, in [-1, 1], the largest first.
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
        """The probability that an equally good model differs as much by chance, in [0, 1]."""
        return mcnemar(self.lost, self.won)

    @property
    def is_real(self) -> bool:
        """Whether the difference is more than chance, or the images are too few for the test to decide."""
        most_that_can_be_lost = round(self.float_accuracy * self.count)
        return self.p_value < SIGNIFICANCE_LEVEL or mcnemar(most_that_can_be_lost, 0) >= SIGNIFICANCE_LEVEL

    def within(self, max_drop: float) -> bool:
        """Whether no real loss of accuracy exceeds `max_drop`, in [0, 1]."""
        # Differences of fractions are off in the last bits: 10 of 1,000 lost is within 0.01.
        return self.drop <= max_drop + 1e-9 or not self.is_real

    def agrees(self, min_agreement: float) -> bool:
        """Whether both give the same answer often enough; `min_agreement` is in [0, 1]."""
        return self.agreement >= min_agreement


def measure_agreement(expected: NDArray[np.float32], found: NDArray[np.float32]) -> Agreement:
    """Compare scores without true classes.

    Args:
        expected: the Keras model's, shape (images, classes).
        found: the converted model's, same shape.
    """
    p, q = (np.clip(scores.astype(np.float64), _SMALLEST, 1.0) for scores in (expected, found))
    return Agreement(
        agreement=float((expected.argmax(axis=1) == found.argmax(axis=1)).mean()),
        # Scores of 256 levels do not sum to 1 exactly: for equal ones the sum can be just below 0.
        kl_divergence=max(0.0, float((p * np.log(p / q)).sum(axis=1).mean())),
    )


def measure_class_agreement(
    expected: NDArray[np.float32], found: NDArray[np.float32], classes: int
) -> Agreement:
    """Compare the scores among the classes, as if no image could be rejected.

    Args:
        expected: the Keras model's scores, shape (images, classes) or with one more output.
        found: the converted model's, same shape.
        classes: number of classes.
    """

    def among_classes(scores: NDArray[np.float32]) -> NDArray[np.float32]:
        known = scores[:, :classes]
        # int8 scores of an image that is surely of no class may all be 0.
        return np.asarray(known / np.maximum(known.sum(axis=1, keepdims=True), _SMALLEST), np.float32)

    return measure_agreement(among_classes(expected), among_classes(found))


def compare(
    expected: NDArray[np.float32],
    found: NDArray[np.float32],
    targets: NDArray[np.int64],
    labels: Sequence[str],
) -> Comparison:
    """Compare accuracy and agreement among the classes, as if no image could be rejected.

    Args:
        expected: the Keras model's scores, shape (images, classes) or with one more output.
        found: the converted model's, same shape.
        targets: true class indices, shape (images,).
        labels: of the classes.
    """
    agreement = measure_class_agreement(expected, found, len(labels))
    expected, found = expected[:, : len(labels)], found[:, : len(labels)]
    float_right = expected.argmax(axis=1) == targets
    right = found.argmax(axis=1) == targets
    drops = {
        label: float(float_right[targets == index].mean() - right[targets == index].mean())
        for index, label in enumerate(labels)
        if (targets == index).any()
    }
    return Comparison(
        count=len(targets),
        float_accuracy=float(float_right.mean()),
        accuracy=float(right.mean()),
        lost=int((float_right & ~right).sum()),
        won=int((~float_right & right).sum()),
        agreement=agreement.agreement,
        kl_divergence=agreement.kl_divergence,
        class_drops=dict(sorted(drops.items(), key=lambda item: -item[1])),
    )


class FloatScores:
    """The scores of a Keras model, which is compiled once for all calls."""

    def __init__(self, model: Any) -> None:
        import tensorflow as tf

        # One trace for batches of all sizes; no Python branch here depends on a tensor.
        shape = tf.TensorShape([None, *model.input_shape[1:]])

        @tf.function(autograph=False, input_signature=[tf.TensorSpec(shape, tf.uint8)])
        def forward(pixels: Any) -> Any:
            return model(tf.cast(pixels, tf.float32), training=False)

        self._forward = forward

    def __call__(self, images: Sequence[Image], tick: Tick = no_tick) -> NDArray[np.float32]:
        """The scores of the images, float32, shape (images, classes)."""
        rows, done = [], 0
        for batch in in_groups(images, lambda: _BATCH):
            rows.append(self._forward(np.stack(batch)).numpy())
            done += len(batch)
            tick(done, len(images))
        return np.concatenate(rows)


def open_converted(model: bytes, card: ModelCard) -> Classifier:
    """A single-threaded classifier of a model that this process has converted; it needs no sandbox."""
    file = ModelFile(pack_model_file(model, card), card.labels, card, "the converted model")
    return build_classifier(file, open_engine(file.content, name=file.name, num_threads=1))


def converted_scores(
    model: bytes, card: ModelCard, images: Sequence[Image], tick: Tick = no_tick
) -> NDArray[np.float32]:
    """A converted model's scores as the device computes them, float32, shape (images, classes)."""
    own = threading.local()

    def classify(group: Sequence[Image]) -> list[NDArray[np.float32]]:
        if not hasattr(own, "classifier"):
            own.classifier = open_converted(model, card)
        return [own.classifier.scores(image) for image in group]

    threads = os.cpu_count() or 1
    groups = in_groups(images, lambda: _GROUP)
    rows: list[NDArray[np.float32]] = []
    for group in map_in_order(classify, groups, threads=threads, ahead=threads):
        rows += group.result()
        tick(len(rows), len(images))
    return np.stack(rows)
