"""Fit a rejection: temperature → distance → negatives → threshold → sharpness."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.inference import Separation, measure_separation
from trainer.data import Targets
from trainer.network import NegativeDetector, RejectionHead
from trainer.rejection.distance import Distance, fit_distance
from trainer.rejection.negative_detector import fit_negatives
from trainer.rejection.temperature import fit_temperature
from trainer.rejection.threshold import fit_threshold

STRENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Weights of the distance that are tried, in standard deviations of the largest logit."""

NEARLY = 0.01
"""A weight is large enough when the largest one rejects only this fraction of the synthetic unknowns more."""

SHARPNESS = 9.0
"""The sharpness is this divided by the median margin: a usual image has e⁻⁹ of its score on `unknown`."""

NEGATIVES = "negatives"

Rows = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class KnownImages:
    """Images of the classes.

    Attributes:
        features: float32, shape (images, channels).
        logits: float32, shape (images, classes).
        targets: shape (images,).
    """

    features: Rows
    logits: Rows
    targets: Targets


@dataclass(frozen=True, eq=False)
class UnknownImages:
    """Images of no class.

    Attributes:
        features: float32, shape (unknowns, channels).
        logits: float32, shape (unknowns, classes).
    """

    features: Rows
    logits: Rows

    def half(self, start: int) -> "UnknownImages":
        """Every second one, from the first (0) or the second (1) on."""
        return UnknownImages(self.features[start::2], self.logits[start::2])


@dataclass(frozen=True, eq=False)
class FittedRejection:
    """A fitted rejection, and how it does on images that it was not fitted on.

    Attributes:
        head: its weights.
        known: margins of the held-out images that the threshold was fitted on.
        unknown: kind of unknown → margins; of synthetic ones those of another half than the one it was fitted
            on, of negatives by a detector that has not seen them.
        separations: of each kind from the held-out images.
        statistics: `distance` and `energy` of the held-out images.
    """

    head: RejectionHead
    known: Rows
    unknown: Mapping[str, Rows]
    separations: Mapping[str, Separation]
    statistics: Mapping[str, Rows]


def fit_rejection(
    train: KnownImages,
    noise: Rows,
    held_out: KnownImages,
    synthetic: Mapping[str, UnknownImages],
    negatives: UnknownImages | None,
    *,
    keep: float,
    seed: int,
) -> FittedRejection:
    """Fit a rejection.

    Args:
        train: training images, for the distance only.
        noise: by how much the noise of a camera changes features, shape (images, channels).
        held_out: images that neither the weights nor the best epoch were chosen by.
        synthetic: kind → synthetic unknowns.
        negatives: the user's images of no class.
        keep: the fraction of images of the classes to be kept.
        seed: of the folds over the negatives.
    """
    from scipy.special import logsumexp

    temperature = fit_temperature(held_out.logits, held_out.targets)
    fitting = np.concatenate([each.half(0).features for each in synthetic.values()])
    distance = fit_distance(train.features, train.targets, noise, fitting)
    judging = {kind: each.half(1) for kind, each in synthetic.items()}
    detector: NegativeDetector | None = None
    unseen: Rows = np.zeros(0, np.float32)
    head = _choose_strength(temperature, distance, None, held_out, judging, keep)
    if negatives is not None:
        detector, unseen = fit_negatives(
            train.features,
            negatives.features,
            held_out.features,
            head.margin(held_out.features, held_out.logits),
            head.margin(negatives.features, negatives.logits),
            seed,
        )
        head = _choose_strength(temperature, distance, detector, held_out, judging, keep)
    known = head.margin(held_out.features, held_out.logits)
    unknown = {kind: head.margin(each.features, each.logits) for kind, each in judging.items()}
    if negatives is not None:
        seen = detector.measure(negatives.features) if detector else unseen
        unknown[NEGATIVES] = head.margin(negatives.features, negatives.logits) + seen - unseen
    return FittedRejection(
        head=head,
        known=known,
        unknown=unknown,
        separations={kind: measure_separation(known, each) for kind, each in unknown.items()},
        statistics={
            "distance": distance.squared(held_out.features),
            "energy": -logsumexp(held_out.logits / temperature, axis=1),
        },
    )


def _choose_strength(
    temperature: float,
    distance: Distance,
    detector: NegativeDetector | None,
    held_out: KnownImages,
    unknowns: Mapping[str, UnknownImages],
    keep: float,
) -> RejectionHead:
    """The smallest weight of the distance that clearly rejects nearly as many synthetic unknowns as any.

    A large weight makes the distance decide alone, and a threshold that keeps as many images then sees less
    of how sure the network is of the class. Clearly is by as much as a usual image is kept, so that they are
    rejected in int8 as well.
    """
    heads = [_build_head(temperature, distance, detector, held_out, strength, keep) for strength in STRENGTHS]
    rejected = [_rejected(head, unknowns) for head in heads]
    enough = max(rejected) - NEARLY
    return next(head for head, fraction in zip(heads, rejected, strict=True) if fraction >= enough)


def _rejected(head: RejectionHead, unknowns: Mapping[str, UnknownImages]) -> float:
    """The fraction of images that are rejected clearly, a mean over their kinds."""
    usual = SHARPNESS / head.sharpness
    margins = [head.margin(each.features, each.logits) for each in unknowns.values()]
    return float(np.mean([(each < -usual).mean() for each in margins]))


def _build_head(
    temperature: float,
    distance: Distance,
    detector: NegativeDetector | None,
    held_out: KnownImages,
    strength: float,
    keep: float,
) -> RejectionHead:
    """The head with one weight of the distance, and the threshold that keeps as many images as wanted."""
    largest = held_out.logits.max(axis=1) / temperature
    # Below the distance that a fraction `keep` of the held-out images has, it does not count.
    usual = max(fit_threshold(distance.squared(held_out.features), 1 - keep), 1e-6)
    # At that distance 1 in each direction, so that the converter knows the range of the projections.
    rank = len(distance.offsets)
    unit = np.float32(np.sqrt(usual / rank))
    weight = strength * max(float(largest.std()), 1e-3)

    def head(threshold: float, sharpness: float) -> RejectionHead:
        return RejectionHead(
            temperature=temperature,
            projections=distance.projections / unit,
            offsets=distance.offsets / unit,
            distance_weights=np.full(rank, weight / rank, np.float32),
            distance_bias=-weight,
            threshold=threshold,
            sharpness=sharpness,
            negatives=detector,
        )

    margins = head(0.0, 1.0).margin(held_out.features, held_out.logits)
    threshold = fit_threshold(margins, keep)
    median = max(float(np.median(margins)) - threshold, 1e-3)
    return head(threshold, SHARPNESS / median)
