import numpy as np
import pytest

from trainer.cross_validation import FeatureCopies, LinearHead, choose_penalty
from trainer.cross_validation.head import PENALTIES
from trainer.data import make_folds


def separated(classes: int, distance: float, count: int = 60, seed: int = 0) -> FeatureCopies:
    """Gaussian features around one place for each class, and a second copy with other noise."""
    rng = np.random.default_rng(seed)
    targets = np.arange(count) % classes
    middles = rng.normal(0, distance, (classes, 16))
    features = middles[targets] + rng.normal(0, 1, (2, count, 16))
    return FeatureCopies(features.astype(np.float32), targets, np.ones(classes, np.float32))


def folds_of(copies: FeatureCopies, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    return make_folds(copies.targets, np.arange(len(copies.targets)), seed, 3)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_head_has_the_scores_of_the_regression(classes: int) -> None:
    from sklearn.linear_model import LogisticRegression

    copies = separated(classes, 1.0)
    head = copies.fit(np.arange(60), penalty=2.0)
    assert head.kernel.shape == (16, classes)
    # One penalty for the loss of each image once: two copies count as one image.
    rows, targets = copies.features.reshape(120, 16), np.tile(copies.targets, 2)
    expected = LogisticRegression(C=0.25, max_iter=1000).fit(rows, targets).predict_proba(copies.features[0])
    np.testing.assert_allclose(head.scores(copies.features[0]), expected, atol=1e-3)


def test_a_class_without_an_image_is_never_the_answer() -> None:
    copies = separated(3, 1.0)
    head = copies.fit(np.flatnonzero(copies.targets != 1), penalty=1.0)
    assert set(head.scores(copies.features[0]).argmax(axis=1)) == {0, 2}


def test_scores_of_many_images_add_up_to_one() -> None:
    rng = np.random.default_rng(0)
    head = LinearHead(rng.normal(0, 300, (8, 5)).astype(np.float32), np.zeros(5, np.float32))
    scores = head.scores(rng.normal(0, 10, (40, 8)).astype(np.float32))
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_random_labels_are_learnt_by_heart_and_not_out_of_fold() -> None:
    copies = separated(2, 0.0, count=40)
    wide = np.random.default_rng(1).normal(0, 1, (1, 40, 200)).astype(np.float32)
    copies = FeatureCopies(wide, copies.targets, copies.weights)
    own = copies.fit(np.arange(40), penalty=1.0).scores(wide[0])
    assert (own.argmax(axis=1) == copies.targets).mean() == 1
    unseen = copies.score_out_of_fold(folds_of(copies), penalty=1.0)
    assert (unseen.argmax(axis=1) == copies.targets).mean() < 0.8


def test_what_tells_nothing_gets_a_stronger_penalty_than_what_tells_much() -> None:
    noise, clear = separated(2, 0.0, seed=3), separated(2, 1.0, seed=3)
    chosen = [
        choose_penalty(copies, [folds_of(copies, seed) for seed in range(3)]) for copies in (noise, clear)
    ]
    assert chosen[0] == max(PENALTIES)
    assert chosen[1] < 30


def test_a_class_with_a_larger_weight_gets_more_answers() -> None:
    copies = separated(2, 0.1)
    heavy = FeatureCopies(copies.features, copies.targets, np.array([1, 20], np.float32))
    counts = [
        (each.fit(np.arange(60), 10.0).scores(each.features[0]).argmax(axis=1) == 1).sum()
        for each in (copies, heavy)
    ]
    assert counts[1] > counts[0]


def test_copies_count_as_much_as_their_weights() -> None:
    """The second copy tells the classes apart the other way round: it decides where it weighs more."""
    copies = separated(2, 1.0)
    both = np.concatenate([copies.features[:1], -copies.features[:1]])

    def answers(*weights: float) -> np.ndarray:
        weighted = FeatureCopies(both, copies.targets, copies.weights, np.array(weights, np.float32))
        return weighted.fit(np.arange(60), 10.0).scores(both[0]).argmax(axis=1)

    assert (answers(1.5, 0.5) == copies.targets).mean() > 0.9
    assert (answers(0.5, 1.5) == copies.targets).mean() < 0.1


def test_copies_of_equal_weights_count_as_without_weights() -> None:
    copies = separated(3, 0.5)
    equal = FeatureCopies(copies.features, copies.targets, copies.weights, np.ones(2, np.float32))
    one, other = (each.fit(np.arange(60), 10.0).scores(each.features[0]) for each in (copies, equal))
    np.testing.assert_array_equal(one, other)
