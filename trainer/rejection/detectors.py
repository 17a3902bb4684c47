"""Detectors: for each kind of unknown the direction of the features that tells it from the training images.

A detector is a logistic regression between features of the training images and of one kind of unknown. Its
evidence against an image is 0 up to the log-odds that are usual among held-out images of the classes, and
grows from there on; so a kind of unknown is rejected however large the logits of its images are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.inference import measure_separation
from trainer.logistic_regression import fit_logistic_regression

USUAL = 0.98
"""Fraction of the held-out images that a detector of synthetic unknowns has no evidence against."""

USUAL_SPREADS = 3.0
"""Evidence begins at most so many quartile distances above the median: a few images may be outliers."""

STRENGTH = 6.0
"""Evidence against the median image of a synthetic kind, in usual ranges of the largest logit."""

STRENGTH_BESIDE_LOGITS = 1.5
"""The same for a kind whose logits a network that was trained with unknowns keeps small: unusual images of
the classes, with some evidence against them, are then nearer to the threshold. Chosen on MNIST:
docs/unknown.md.
"""

PENALTY_SYNTHETIC, PENALTY_NEGATIVES = 3.0, 0.01
"""scikit-learn's C, the inverse of the penalty: there are far fewer negatives than features."""

FOLDS = 5
"""Over which negatives are judged by a detector that was not fitted on them."""

HELD_OUT_FOLDS = 10
"""Over which held-out images are judged by detectors that were made from the others."""

WEIGHTS = (0.5, 1.0, 2.0, 4.0)
FEWEST_NEGATIVES = 5

Rows = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Detector:
    """A direction of the features: its evidence against an image is relu(v · f + c).

    Attributes:
        weights: v, float32, shape (channels,).
        offset: c.
    """

    weights: Rows
    offset: float

    def evidence(self, features: Rows) -> Rows:
        """The evidence against each image, in logits: float32, shape (images,)."""
        return np.asarray(np.maximum(0, features @ self.weights + self.offset), np.float32)


@dataclass(frozen=True, eq=False)
class SyntheticKind:
    """A kind of synthetic unknown.

    Attributes:
        direction: what tells it from the training images.
        middle: the log-odds of its median image.
        distinct: no image of a class is like this kind.
        strength: evidence against that image, in usual ranges of the largest logit.
    """

    direction: "_Direction"
    middle: float
    distinct: bool
    strength: float = STRENGTH

    @classmethod
    def fit(
        cls, train: Rows, unknowns: Rows, *, distinct: bool = False, strength: float = STRENGTH
    ) -> "SyntheticKind":
        """Fit the direction between features of training images and of this kind."""
        direction = _Direction.fit(train, unknowns, PENALTY_SYNTHETIC)
        return cls(direction, float(np.median(direction.of(unknowns))), distinct, strength)

    def detector(self, held_out: Rows, span: float) -> Detector:
        """The detector that has no evidence against what is usual among held-out images of the classes.

        That of a distinct kind has none against any of them: it does not change the threshold.

        Args:
            held_out: features of held-out images of the classes.
            span: the usual range of their largest logits.
        """
        known = self.direction.of(held_out)
        spread = _spread(known)
        usual = min(float(np.quantile(known, USUAL)), float(np.median(known)) + USUAL_SPREADS * spread)
        if self.distinct:
            usual = float(known.max())
        # A kind that cannot be told apart must not make an image of the classes that is hardly unusual
        # unknown.
        reach = max(self.middle - usual, spread, 1e-6)
        return self.direction.detector(self.strength * span / reach, usual)


def make_detectors(kinds: Sequence[SyntheticKind], held_out: Rows, largest: Rows) -> tuple[Detector, ...]:
    """One detector for each kind of synthetic unknown.

    Args:
        kinds: the kinds.
        held_out: features of held-out images of the classes.
        largest: their largest logits, divided by the temperature.
    """
    span = max(float(np.subtract(*np.quantile(largest, (0.99, 0.05)))), 1e-3)
    return tuple(kind.detector(held_out, span) for kind in kinds)


def evidence_of_unseen(kinds: Sequence[SyntheticKind], held_out: Rows, largest: Rows) -> Rows:
    """The evidence against each held-out image, by detectors made from the others of them.

    The detectors made from all of them have evidence against fewer of these images than of new ones: a
    threshold set on that evidence would keep fewer new images than it promises.

    Args:
        kinds: the kinds.
        held_out: features of held-out images of the classes.
        largest: their largest logits, divided by the temperature.
    """
    folds = np.arange(len(held_out)) % HELD_OUT_FOLDS
    evidence = np.zeros(len(held_out), np.float32)
    for fold in range(HELD_OUT_FOLDS):
        own, others = folds == fold, folds != fold
        if own.any():
            detectors = make_detectors(kinds, held_out[others], largest[others])
            evidence[own] = np.sum([each.evidence(held_out[own]) for each in detectors], axis=0)
    return evidence


def fit_negatives(
    train: Rows,
    negatives: Rows,
    held_out: Rows,
    margin: Rows,
    unknown_margin: Rows,
    fresh: NDArray[np.bool_],
    seed: int,
) -> tuple[Detector | None, Rows]:
    """A detector of the user's images of no class, weighed by what it adds on held-out images.

    Args:
        train: features of training images, shape (images, channels).
        negatives: features of negatives, shape (negatives, channels).
        held_out: features of held-out images of the classes.
        margin: of the held-out images without the detector.
        unknown_margin: of the negatives without it.
        fresh: which negatives the network was not trained on: its weight is chosen by these.
        seed: of the folds.

    Returns:
        The detector, None where the negatives are too few or it does not help; and the evidence against
        each negative by a detector that was not fitted on it.
    """
    nothing = np.zeros(len(negatives), np.float32)
    if len(negatives) < FEWEST_NEGATIVES:
        return None, nothing
    direction = _Direction.fit(train, negatives, PENALTY_NEGATIVES)
    known = direction.of(held_out)
    middle, scale = float(np.median(known)), _spread(margin) / max(_spread(known), 1e-6)
    evidence = np.maximum(0, known - middle)
    unseen = np.maximum(0, _of_unseen(train, negatives, seed) - middle)

    def auroc(weight: float) -> float:
        added = weight * scale
        others = (unknown_margin - added * unseen)[fresh]
        return measure_separation(margin - added * evidence, others).auroc

    best = max((0.0, *WEIGHTS), key=auroc)
    if best == 0:
        return None, nothing
    return direction.detector(best * scale, middle), np.asarray(best * scale * unseen, np.float32)


@dataclass(frozen=True, eq=False)
class _Direction:
    """weights · f + bias: the log-odds that an image is unknown."""

    weights: NDArray[np.float64]
    bias: float

    @classmethod
    def fit(cls, train: Rows, unknowns: Rows, penalty: float) -> "_Direction":
        """Fit it by logistic regression."""
        rows, targets, mean, spread = _standardized(train, unknowns)
        regression = _fit_regression(rows, targets, penalty)
        weights = regression.coef_[0] / spread
        return cls(weights, float(regression.intercept_[0] - mean @ weights))

    def of(self, features: Rows) -> Rows:
        """Of each image: float32, shape (images,)."""
        return np.asarray(features @ self.weights + self.bias, np.float32)

    def detector(self, factor: float, start: float) -> Detector:
        """The detector that is 0 up to `start`, and rises by `factor`."""
        return Detector((factor * self.weights).astype(np.float32), factor * (self.bias - start))


def _of_unseen(train: Rows, negatives: Rows, seed: int) -> Rows:
    """The log-odds of each negative, by a regression that has not seen it."""
    from sklearn.model_selection import StratifiedKFold

    rows, targets, _mean, _spread = _standardized(train, negatives)
    values = np.zeros(len(rows), np.float32)
    for seen, unseen in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(rows, targets):
        regression = _fit_regression(rows[seen], targets[seen], PENALTY_NEGATIVES)
        values[unseen] = regression.decision_function(rows[unseen])
    return values[len(train) :]


def _fit_regression(rows: Rows, targets: NDArray[np.int64], penalty: float) -> Any:
    """A logistic regression in which both sides weigh the same."""
    return fit_logistic_regression(rows, targets, inverse_penalty=penalty, iterations=2000, balanced=True)


def _standardized(train: Rows, unknowns: Rows) -> tuple[Rows, NDArray[np.int64], Rows, Rows]:
    """Both in units of the training images' spread, 0 and 1 for each, the mean and the spread."""
    mean, spread = train.mean(axis=0), train.std(axis=0) + 0.05 * train.std()
    rows = (np.concatenate([train, unknowns]) - mean) / spread
    return rows, np.repeat([0, 1], [len(train), len(unknowns)]), mean, spread


def _spread(values: Rows) -> float:
    """Between the quartiles: a few far images change a standard deviation a hundredfold."""
    return float(np.subtract(*np.quantile(values, (0.75, 0.25))))


def stack(detectors: Sequence[Detector]) -> tuple[Rows, Rows]:
    """The weights of all, shape (channels, detectors), and their offsets, shape (detectors,)."""
    return np.stack([each.weights for each in detectors], axis=1), np.array(
        [each.offset for each in detectors], np.float32
    )
