"""The layers compute what the formulas say."""

from dataclasses import replace

import numpy as np
import pytest

from trainer import TrainConfig
from trainer.network import (
    Network,
    RejectionHead,
    add_rejection,
    build_network,
    measure_activation,
    read_logits,
)
from trainer.network.rejection_head import LIMIT

SMALL = TrainConfig(data="x", weights="none", alpha=0.35, image_size=64)
CLASSES, CHANNELS, DETECTORS = 3, 1280, 4


@pytest.fixture(scope="module")
def network() -> Network:
    return build_network(SMALL, CLASSES)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (12, 64, 64, 3)).astype(np.float32)


def head(features: np.ndarray) -> RejectionHead:
    """Random weights, with margins on both sides of 0 and beyond the largest lead."""
    random = np.random.default_rng(2)
    scale = 1 / max(float(np.abs(features).max()) * 20, 1e-6)
    return RejectionHead(
        temperature=0.5,
        directions=random.normal(0, scale, (CHANNELS, DETECTORS)).astype(np.float32),
        offsets=random.normal(0, 1, DETECTORS).astype(np.float32),
        threshold=-0.4,
        sharpness=7.0,
    )


@pytest.mark.parametrize(("units", "one_logit"), [(0, False), (8, False), (0, True)])
def test_the_layers_compute_the_formulas(pixels: np.ndarray, units: int, one_logit: bool) -> None:
    classes = 2 if one_logit else CLASSES
    plain = build_network(replace(SMALL, head_units=units, one_logit=one_logit), classes)
    features = plain.features(pixels, training=False).numpy()
    logits = read_logits(plain, features)
    scores = plain.model(pixels, training=False).numpy()
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), scores, atol=1e-5)
    rejection = head(features)
    spread = np.ptp(rejection.margin(features, logits))
    for shift in (-2.0, 0.0, 2.0):
        moved = replace(rejection, threshold=rejection.threshold + shift, sharpness=20 / max(spread, 0.1))
        moved = replace(moved, slope=0.01) if shift else moved
        whole = add_rejection(plain, moved)
        found = whole.model(pixels, training=False).numpy()
        expected = moved.scores(features, logits)
        np.testing.assert_allclose(found, expected, atol=2e-4)
        rejected = moved.margin(features, logits) < 0
        np.testing.assert_array_equal(found.argmax(axis=1) == classes, rejected)


def test_the_lead_is_bounded_and_the_best_class_stays_visible() -> None:
    features, logits = np.zeros((1, CHANNELS), np.float32), np.array([[3.0, 1.0, 0.0]], np.float32)
    far = replace(head(features + 1), threshold=1e6)
    scores = far.scores(features, logits)[0]
    assert np.log(scores[CLASSES] / scores[0]) == pytest.approx(LIMIT, abs=1e-3)
    assert scores[:CLASSES].argmax() == 0


def test_rejected_images_can_be_told_apart_in_int8_by_the_score_of_unknown() -> None:
    """A step of a logit is about 0.22, one of a score 1/256: near the threshold and far from it."""
    features, logits = np.zeros((1, CHANNELS), np.float32), np.array([[3.0, 1.0, 0.0]], np.float32)
    at = head(features + 1)
    start = at.threshold + float(at.margin(features, logits)[0])
    leads = []
    for far in (0.0, 0.5, 12.0, 35.0, 70.0, 105.0, 140.0):
        moved = replace(at, threshold=start + far / at.sharpness)
        scores = moved.scores(features, logits)[0]
        leads.append(float(np.log(scores[CLASSES] / scores[0])))
        assert scores[0] > 4 / 256
    assert np.diff(leads).min() > 0.22


def test_the_limit_of_the_lead_is_where_it_is_wanted_and_never_nearer() -> None:
    features, logits = np.zeros((1, CHANNELS), np.float32), np.array([[3.0, 1.0, 0.0]], np.float32)
    at = head(features + 1)
    start = at.threshold + float(at.margin(features, logits)[0])

    def lead(margin: float, wanted: float) -> float:
        moved = replace(at.reaching(wanted), threshold=start - margin)
        scores = moved.scores(features, logits)[0]
        return float(np.log(scores[CLASSES] / scores[0]))

    far = -600 / at.sharpness
    assert lead(far, far) == pytest.approx(LIMIT, abs=1e-3)
    assert lead(far * 0.9, far) == pytest.approx(0.5 + 3.5 * 539.5 / 599.5, abs=1e-2)
    for wanted in (-10 / at.sharpness, 0.0, 3.0):
        assert at.reaching(wanted).slope == at.slope


def test_activation_maps_sum_to_the_logits(network: Network, pixels: np.ndarray) -> None:
    """Exact: the mean over the positions is the class' logit beside the mean logit, without biases."""
    images = list(pixels.astype(np.uint8))
    targets = [number % CLASSES for number in range(len(images))]
    maps = measure_activation(network, images, targets)
    assert maps.shape == (len(images), 2, 2)
    logits = read_logits(network, network.features(pixels, training=False).numpy())
    own = logits[np.arange(len(images)), targets] - logits.mean(axis=1)
    np.testing.assert_allclose(maps.mean(axis=(1, 2)), own, atol=1e-4)
