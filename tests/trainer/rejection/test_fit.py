"""On features with a known structure: classes, far images, images between them, negatives."""

from dataclasses import replace

import numpy as np
import pytest

from edge_runtime.inference import is_kept, lead_of_unknown, measure_separation
from trainer.rejection import KnownImages, UnknownImages, fit_rejection
from trainer.rejection.temperature import fit_temperature

CHANNELS, CLASSES = 24, 3
MEANS = np.eye(CLASSES, CHANNELS) * 6
WEIGHTS = (MEANS.T / 6).astype(np.float32)


def known(count: int, seed: int) -> KnownImages:
    random = np.random.default_rng(seed)
    targets = random.integers(0, CLASSES, count)
    features = (MEANS[targets] + random.normal(0, 1, (count, CHANNELS))).astype(np.float32)
    return KnownImages(features, features @ WEIGHTS, targets)


def unknown(features: np.ndarray) -> UnknownImages:
    rows = features.astype(np.float32)
    return UnknownImages(rows, rows @ WEIGHTS)


def far(count: int, seed: int, *, channels: slice = slice(-4, None)) -> UnknownImages:
    """With large logits, and features that no class has."""
    random = np.random.default_rng(seed)
    rows = random.normal(0, 1, (count, CHANNELS))
    rows[:, :CLASSES] += 5 * np.eye(CLASSES)[random.integers(0, CLASSES, count)]
    rows[:, channels] += 8
    return unknown(rows)


def near(count: int, seed: int) -> UnknownImages:
    """Usual features, but of no class."""
    return unknown(np.random.default_rng(seed).normal(0, 1, (count, CHANNELS)))


def test_far_and_near_images_are_rejected_and_new_ones_of_the_classes_kept() -> None:
    fitted = fit_rejection(
        known(900, 1).features, known(300, 2), {"far": far(200, 3)}, None, keep=0.95, seed=0
    )
    new = known(4000, 4)
    margins = fitted.head.margin(new.features, new.logits)
    assert (margins > 0).mean() == pytest.approx(0.95, abs=0.035)
    for others, least in ((far(500, 5), 0.999), (near(500, 6), 0.97)):
        separation = measure_separation(margins, fitted.head.margin(others.features, others.logits))
        assert separation.auroc > least
    # The largest score alone takes the far ones for the classes.
    powers = np.exp(far(500, 5).logits)
    assert (powers.max(axis=1) / powers.sum(axis=1) > 0.5).mean() > 0.9


def test_a_kind_that_no_class_is_like_is_rejected_and_nothing_said_of_any_held_out_image() -> None:
    held_out, spoken = known(300, 2), []
    for distinct in (False, True):
        kinds = {"white": replace(far(32, 3), distinct=distinct)}
        head = fit_rejection(known(900, 1).features, held_out, kinds, None, keep=0.95, seed=0).head
        others = far(500, 5)
        assert (head.margin(others.features, others.logits) < 0).all()
        spoken.append(int((head.evidence(held_out.features) > 1e-4).sum()))
    assert spoken[0] > spoken[1] == 0


@pytest.mark.parametrize(("logits", "negatives", "weaker"), [(0.0, 50, 4), (1.0, 50, 1), (0.0, 0, 1)])
def test_little_more_is_said_of_a_kind_that_a_network_has_learned_to_give_small_logits(
    logits: float, negatives: int, weaker: float
) -> None:
    """So that unusual images of the classes are nearer to the threshold than what is of no class."""

    def said(factor: float, others: UnknownImages | None) -> float:
        kind = far(200, 3)
        kind = replace(kind, logits=kind.logits * factor)
        head = fit_rejection(
            known(900, 1).features, known(300, 2), {"far": kind}, others, keep=0.95, seed=0
        ).head
        return float(np.median(head.evidence(far(500, 5).features)))

    others = near(negatives, 8) if negatives else None
    assert said(1.0, None) / said(logits, others) == pytest.approx(weaker, rel=0.1)


def test_as_many_new_images_are_kept_as_promised_where_few_are_held_out() -> None:
    """Detectors made from the held-out images have evidence against fewer of these than of new ones."""
    kinds = {str(at): far(60, at, channels=slice(at, at + 4)) for at in range(CLASSES, 23, 4)}
    train, new = known(300, 1).features, known(4000, 4)
    kept = []
    for seed in range(30):
        head = fit_rejection(train, known(60, 100 + seed), kinds, None, keep=0.95, seed=0).head
        kept.append((head.margin(new.features, new.logits) > 0).mean())
    assert np.mean(kept) == pytest.approx(0.95, abs=0.01)


def test_two_fifths_of_the_images_can_be_told_apart_in_int8_and_few_leave_a_score_to_unknown() -> None:
    """A score below half a step of 1/256 is 0: images that share it have the same rank among the kept."""
    fitted = fit_rejection(
        known(900, 1).features, known(300, 2), {"far": far(200, 3)}, None, keep=0.95, seed=0
    )
    new = known(2000, 4)
    scores = fitted.head.scores(new.features, new.logits)
    assert np.quantile(scores[:, -1], 3 / 5) > 0.5 / 256
    # What kept images leave to it is missing from the score of their class: it makes their scores too low.
    assert scores[is_kept(scores), -1].mean() < 0.03


def test_negatives_teach_what_nothing_else_shows() -> None:
    """Images that lie in a class, but for one direction that the synthetic ones do not have."""

    def alike(count: int, seed: int) -> UnknownImages:
        rows = known(count, seed).features.copy()
        rows[:, 10] += 3.0
        return unknown(rows)

    held_out, new = known(300, 2), known(2000, 7)
    aurocs = []
    for negatives in (None, alike(50, 8)):
        fitted = fit_rejection(
            known(900, 1).features, held_out, {"far": far(200, 3)}, negatives, keep=0.95, seed=0
        )
        others = alike(500, 9)
        separation = measure_separation(
            fitted.head.margin(new.features, new.logits), fitted.head.margin(others.features, others.logits)
        )
        aurocs.append(separation.auroc)
        assert (fitted.head.margin(new.features, new.logits) > 0).mean() == pytest.approx(0.95, abs=0.035)
    assert aurocs[1] > aurocs[0] + 0.1
    assert aurocs[1] > 0.9


def test_negatives_are_judged_by_those_that_the_network_was_not_trained_on() -> None:
    """What it was trained on lies far from every class, what is new lies in one but for one direction."""
    new = known(20, 8).features.copy()
    new[:, 10] += 3.0
    trained = known(80, 9).features * 0.1
    trained[:, 10] += 3.0
    rows, fresh = np.concatenate([new, trained]), np.arange(100) < 20
    fitted = fit_rejection(
        known(900, 1).features,
        known(300, 2),
        {"far": far(200, 3)},
        unknown(rows),
        keep=0.95,
        seed=0,
        fresh=fresh,
    )
    assert len(fitted.unknown["negatives"]) == 20
    others = known(500, 10).features.copy()
    others[:, 10] += 3.0
    found = unknown(others)
    asked = known(2000, 7)
    separation = measure_separation(
        fitted.head.margin(asked.features, asked.logits), fitted.head.margin(found.features, found.logits)
    )
    assert separation.auroc > 0.9
    assert fitted.separations["negatives"].auroc == pytest.approx(separation.auroc, abs=0.08)


def test_negatives_do_not_let_in_what_the_other_detectors_reject() -> None:
    """Though some held-out images are so far away that all margins vary by much more than usual."""

    def alike(count: int, seed: int) -> UnknownImages:
        rows = known(count, seed).features.copy()
        rows[:, 10] += 3.0
        return unknown(rows)

    held_out = known(300, 2)
    held_out.features[:9, -4:] += 300
    camera_faults = far(500, 5)
    camera_faults.features[:, -4:] -= 3
    accepted = []
    for negatives in (None, alike(50, 8)):
        fitted = fit_rejection(
            known(900, 1).features, held_out, {"far": far(200, 3)}, negatives, keep=0.95, seed=0
        )
        margins = fitted.head.margin(camera_faults.features, camera_faults.logits)
        accepted.append((margins > 0).mean())
    assert accepted[0] < 0.1
    assert accepted[1] < accepted[0] + 0.05, accepted


def test_rejected_images_can_be_told_apart_where_every_detector_speaks_against_them() -> None:
    """As after a training with negatives: all that is of no class has features alike."""

    def alike(count: int, seed: int, distance: float) -> UnknownImages:
        random = np.random.default_rng(seed)
        rows = random.normal(0, 1, (count, CHANNELS)) * 0.3
        rows[:, -1] += distance
        return unknown(rows)

    held_out, new = known(300, 2), known(1000, 7)
    for images in (held_out, new):
        # A few of the classes' images are half of the way there.
        far_off = len(images.targets) // 33
        images.features[:far_off, -1] += 20
        images.features[:far_off, :CLASSES] *= 0.3
        images.logits[:far_off] *= 0.3
    kinds = {str(kind): alike(200, kind, 40.0) for kind in range(6)}
    head = fit_rejection(known(900, 1).features, held_out, kinds, None, keep=0.95, seed=0).head
    others = alike(500, 9, 40.0)
    leads = [lead_of_unknown(head.scores(each.features, each.logits)) for each in (new, others)]
    margins = [head.margin(each.features, each.logits) for each in (new, others)]
    assert measure_separation(*margins).auroc > 0.99
    assert measure_separation(-leads[0], -leads[1]).auroc > 0.99


def test_a_temperature_makes_scores_true() -> None:
    random = np.random.default_rng(3)
    logits = random.normal(0, 2, (4000, 4))
    powers = np.exp(logits)
    targets = np.array([random.choice(4, p=row) for row in powers / powers.sum(axis=1, keepdims=True)])
    assert fit_temperature((3 * logits).astype(np.float32), targets) == pytest.approx(3, rel=0.1)
    assert fit_temperature((0.5 * logits).astype(np.float32), targets) == pytest.approx(0.5, rel=0.1)


def test_a_few_images_that_are_all_right_do_not_move_it_far() -> None:
    logits = np.eye(3, dtype=np.float32)[np.arange(6) % 3] * 4
    assert 0.4 < fit_temperature(logits, np.arange(6) % 3) <= 1
