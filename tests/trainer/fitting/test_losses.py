"""What a training minimizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from trainer.fitting.losses import cross_entropy, distillation

logits = arrays.arrays(np.float32, (4, 3), elements=st.floats(-5, 5, width=32))


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values.astype(np.float64))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@given(logits, logits, st.floats(0.5, 8))
def test_distillation_is_the_divergence_at_a_temperature(
    teacher: np.ndarray, student: np.ndarray, temperature: float
) -> None:
    wanted, found = softmax(teacher / temperature), softmax(student / temperature)
    divergence = temperature**2 * (wanted * np.log(wanted / found)).sum(axis=1)
    scores = [softmax(each).astype(np.float32) for each in (teacher, student)]
    np.testing.assert_allclose(distillation(*scores, temperature), divergence, rtol=1e-3, atol=1e-3)


def test_scores_of_zero_have_a_finite_distance() -> None:
    certain = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    assert np.isfinite(distillation(certain, certain[::-1].copy(), 1.0)).all()
    np.testing.assert_allclose(distillation(certain, certain, 4.0), 0, atol=1e-6)


@given(logits, st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_class_indices_and_fractions_of_classes_are_the_same_targets(
    values: np.ndarray, classes: list[int]
) -> None:
    import tensorflow as tf

    scores, targets = tf.constant(softmax(values), tf.float32), tf.constant(classes, tf.int64)
    fractions = tf.one_hot(targets, 3)
    for smoothing in (0.0, 0.3):
        losses = cross_entropy(targets, scores, smoothing)
        np.testing.assert_allclose(losses, cross_entropy(fractions, scores, smoothing), rtol=1e-4, atol=1e-5)


def test_the_loss_of_a_blend_is_the_blend_of_the_losses() -> None:
    import tensorflow as tf

    scores = tf.constant([[0.7, 0.2, 0.1]])
    blend = cross_entropy(tf.constant([[0.25, 0.75, 0.0]]), scores)
    assert float(blend[0]) == pytest.approx(-0.25 * np.log(0.7) - 0.75 * np.log(0.2), rel=1e-5)
