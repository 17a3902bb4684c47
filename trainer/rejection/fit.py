"""Fit a rejection: temperature → detectors of synthetic unknowns → negatives → threshold → sharpness."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_runtime.inference import Separation, measure_separation
from trainer.data import Targets
from trainer.network import RejectionHead
from trainer.rejection.detectors import (
    FEWEST_NEGATIVES,
    STRENGTH,
    STRENGTH_BESIDE_LOGITS,
    Detector,
    SyntheticKind,
    evidence_of_unseen,
    fit_negatives,
    make_detectors,
    stack,
)
from trainer.rejection.temperature import fit_temperature
from trainer.rejection.threshold import fit_threshold

SHARPNESS = 7.0
"""The sharpness is this divided by the median margin: a usual image has e⁻⁷ of its score on `unknown`.

The larger it is, the less of their score kept images leave to `unknown`, and the fewer of them differ in it:
a score of int8 has 256 steps. Chosen on MNIST and digits: docs/unknown.md.
"""

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
        distinct: no image of a class is like them.
    """

    features: Rows
    logits: Rows
    distinct: bool = False

    def half(self, start: int) -> "UnknownImages":
        """Every second one, from the first (0) or the second (1) on."""
        return replace(self, features=self.features[start::2], logits=self.logits[start::2])


@dataclass(frozen=True, eq=False)
class FittedRejection:
    """A fitted rejection, and how it does on images that it was not fitted on.

    Attributes:
        head: its weights.
        known: margins of the held-out images that the threshold was fitted on, each by detectors made from
            others of them.
        unknown: kind of unknown → margins; of synthetic ones those of another half than the one it was fitted
            on, of negatives by a detector and a network that have not seen them.
        separations: of each kind from the held-out images.
        statistics: `evidence` of the same detectors and `energy` of the held-out images.
    """

    head: RejectionHead
    known: Rows
    unknown: Mapping[str, Rows]
    separations: Mapping[str, Separation]
    statistics: Mapping[str, Rows]


def fit_rejection(
    train: Rows,
    held_out: KnownImages,
    synthetic: Mapping[str, UnknownImages],
    negatives: UnknownImages | None,
    *,
    keep: float,
    seed: int,
    fresh: NDArray[np.bool_] | None = None,
) -> FittedRejection:
    """Fit a rejection.

    Args:
        train: features of training images, with and without the noise of a camera, shape (images, channels):
            noisy images of the classes are no unknowns.
        held_out: images that neither the weights nor the best epoch were chosen by.
        synthetic: kind → synthetic unknowns.
        negatives: the user's images of no class.
        keep: the fraction of images of the classes to be kept.
        seed: of the folds over the negatives.
        fresh: which negatives the network was not trained on; all where it is None, or where they are few.
    """
    from scipy.special import logsumexp

    temperature = fit_temperature(held_out.logits, held_out.targets)
    judging = {kind: each.half(1) for kind, each in synthetic.items()}
    largest = held_out.logits.max(axis=1) / temperature
    small = float(np.quantile(largest, 1 - keep)) * temperature if negatives is not None else -np.inf
    kinds = [
        SyntheticKind.fit(
            train,
            each.features,
            distinct=each.distinct,
            strength=STRENGTH_BESIDE_LOGITS if np.median(each.logits.max(axis=1)) < small else STRENGTH,
        )
        for each in (unknowns.half(0) for unknowns in synthetic.values())
    ]
    detectors = make_detectors(kinds, held_out.features, largest)
    margins = largest - evidence_of_unseen(kinds, held_out.features, largest)
    head = _build_head(temperature, detectors, margins, keep)
    detector: Detector | None = None
    unseen: Rows = np.zeros(0, np.float32)
    if negatives is not None:
        if fresh is None or fresh.sum() < FEWEST_NEGATIVES:
            fresh = np.ones(len(negatives.features), bool)
        detector, unseen = fit_negatives(
            train,
            negatives.features,
            held_out.features,
            margins - head.threshold,
            head.margin(negatives.features, negatives.logits),
            fresh,
            seed,
        )
        if detector is not None:
            margins = margins - detector.evidence(held_out.features)
            head = _build_head(temperature, (*detectors, detector), margins, keep)
    known = margins - head.threshold
    unknown = {kind: head.margin(each.features, each.logits) for kind, each in judging.items()}
    if negatives is not None:
        seen = detector.evidence(negatives.features) if detector else unseen
        margin = head.margin(negatives.features, negatives.logits) + seen - unseen
        unknown[NEGATIVES] = margin[fresh]
    # The median image of the kind that is farthest away: what is rejected by mistake is nearer.
    farthest = min((float(np.median(each)) for each in unknown.values()), default=0.0)
    return FittedRejection(
        head=head.reaching(farthest),
        known=known,
        unknown=unknown,
        separations={kind: measure_separation(known, each) for kind, each in unknown.items()},
        statistics={
            "evidence": largest - margins,
            "energy": -logsumexp(held_out.logits / temperature, axis=1),
        },
    )


def _build_head(
    temperature: float, detectors: Sequence[Detector], margins: Rows, keep: float
) -> RejectionHead:
    """The head with the threshold that keeps as many images as wanted, and its sharpness.

    Args:
        temperature: that logits are divided by.
        detectors: of unknowns.
        margins: of held-out images above a threshold of 0.
        keep: the fraction of images of the classes to be kept.
    """
    directions, offsets = stack(detectors)
    threshold = fit_threshold(margins, keep)
    median = max(float(np.median(margins)) - threshold, 1e-3)
    return RejectionHead(temperature, directions, offsets, threshold, SHARPNESS / median)
