"""Quantize the output for images of no class so that int8 rejects what the Keras model rejects.

Calibration images are of the classes: the ranges that they give end where images of no class begin. So the
tensors between the features and the last softmax get ranges that hold both; evidence beyond its range is as
good as the end of it. The ranges of all other tensors are widened by uniform frames where int8 rejects better
then. What rounding adds to the lead of `unknown` near the threshold is measured, and subtracted; where other
images are kept than by the Keras model then, more or fewer by more than chance, the threshold is shifted.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.flatbuffer import get_weights, unpack
from converter.quantization.activations import Channels, measure_channels
from converter.quantization.bias_correction import shift_biases
from converter.quantization.int8 import Calibrated, with_channels
from edge_runtime.core import SIGNIFICANCE_LEVEL, Image, ModelError, mcnemar
from edge_runtime.inference import is_kept, lead_of_unknown

NEAR = (-4.0, -0.2)
"""Leads of images that are kept, but nearly rejected: 256 levels of the scores resolve them best."""

FEWEST = 8

MOST_SHIFTED = 8.0
"""How far the threshold may be shifted, in logits of the lead; what that lets in is measured by the gate."""

SHIFT_PRECISION = 0.125

MOST_WIDENED = 0.5
"""What uniform frames may add to a range at either end, of its width: the steps become coarser."""

NEGLIGIBLE = 8.0
"""How far the logarithm of a score is below that of the largest one when it is next to nothing."""

MAX_LET_IN = 0.05
"""Fraction of the synthetic images of no class that int8 may accept besides: they are far from what int8 is
calibrated on, and only stand for what a camera will see."""


@dataclass(frozen=True)
class _Branch:
    """The tensors of relu(surplus - evidence), by their index in the subgraph.

    Attributes:
        surplus: of the largest logit, by a dense layer of weight `slope`.
        evidence: what speaks for `unknown`, a sum over the detectors.
        left: the result.
        slope: how fast it changes with the largest logit.
    """

    surplus: int
    evidence: int
    left: tuple[int, ...]
    slope: float


@dataclass(frozen=True)
class _Tensors:
    """The tensors of a rejection, by their index in the subgraph; see trainer/network/rejection_head.py.

    Attributes:
        logits: of the classes.
        largest: of them.
        detectors: the evidence of each.
        gentle: a branch of the lead.
        steep: likewise.
        below_limit: the sum of both.
        together: the logits beside the largest one, the lead, and both in one tensor.
        limit: the largest lead.
        classes: how many.
    """

    logits: int
    largest: int
    detectors: int
    gentle: _Branch
    steep: _Branch
    below_limit: int
    together: tuple[int, ...]
    limit: float
    classes: int


def make_room_for_unknowns(calibrated: Calibrated, uniform: Sequence[Image] = ()) -> Calibrated:
    """Give the tensors of a model with a rejection ranges that images of no class fit into.

    A frame of one color whose activations end where those of the classes do can look like one of them. Wider
    ranges have coarser steps, which costs accuracy, so they are for models that need them.

    Args:
        calibrated: a float model with a rejection.
        uniform: frames of one color, uint8 RGB at the model's size, that widen the ranges of all tensors.

    Raises:
        ModelError: it has none.
    """
    _schema, model = unpack(calibrated.content)
    tensors = _find(model)
    channels = dict(calibrated.channels)
    if uniform:
        seen = measure_channels(calibrated.content, uniform, calibrated.input_range)
        channels = {index: _widened(each, seen[index]) for index, each in channels.items()}
    ranges = _ranges(tensors, calibrated.channels)
    channels |= {index: _with_span(channels[index], span) for index, span in ranges.items()}
    return with_channels(calibrated, channels)


def rejection_tensors(calibrated: Calibrated) -> frozenset[int]:
    """The tensors whose ranges `make_room_for_unknowns` sets."""
    _schema, model = unpack(calibrated.content)
    return frozenset(_ranges(_find(model), calibrated.channels))


def clipped_layers(calibrated: Calibrated) -> frozenset[str]:
    """The names of the tensors that are clipped on purpose: what is beyond their ranges changes nothing."""
    _schema, model = unpack(calibrated.content)
    tensors, producers = _find(model), _producers(model)
    column = int(producers[tensors.largest].inputs[0])
    indices = {tensors.largest, column, tensors.detectors, tensors.below_limit, *tensors.together}
    for branch in (tensors.gentle, tensors.steep):
        indices |= {branch.surplus, branch.evidence, *branch.left}
    return frozenset(model.subgraphs[0].tensors[each].name.decode() for each in indices)


def _ranges(tensors: _Tensors, channels: Mapping[int, Channels]) -> dict[int, tuple[float, float]]:
    low, high = channels[tensors.logits].span
    # A logit so far below the largest one makes no difference; finer steps above do.
    reach = NEGLIGIBLE + math.log(tensors.classes)
    low = max(low, channels[tensors.largest].span[0] - reach)
    gentle, steep = tensors.gentle, tensors.steep
    part = gentle.slope / (gentle.slope + steep.slope)
    enough = {gentle: tensors.limit + part * reach, steep: (1 - part) * reach}
    ranges: dict[int, tuple[float, float]] = {
        tensors.logits: (low, high),
        tensors.below_limit: (0.0, tensors.limit + reach),
        **dict.fromkeys(tensors.together, (-reach, tensors.limit)),
    }
    detectable = 0.0
    for branch, most in enough.items():
        # As much evidence as there can be surplus: what is more changes nothing.
        surplus = max(channels[branch.surplus].span[1], most)
        detectable = max(detectable, surplus / branch.slope)
        ranges[branch.evidence] = (0.0, surplus)
        ranges |= dict.fromkeys(branch.left, (0.0, most))
    ranges[tensors.detectors] = (0.0, detectable)
    return ranges


def _widened(known: Channels, unknown: Channels) -> Channels:
    """The ranges that hold both, within a limit; the means are those of the classes."""
    low, high = known.span
    most = MOST_WIDENED * (high - low)
    return replace(
        known,
        low=np.minimum(known.low, np.maximum(unknown.low, low - most)),
        high=np.maximum(known.high, np.minimum(unknown.high, high + most)),
    )


def _with_span(channels: Channels, span: tuple[float, float]) -> Channels:
    low, high = (np.full_like(channels.mean, end) for end in span)
    return replace(channels, low=low, high=high)


def shift_lead(calibrated: Calibrated, shift: float) -> Calibrated:
    """Add to the lead of the logit of `unknown` over the largest one of the classes.

    Args:
        calibrated: a float model with a rejection.
        shift: positive to reject more.
    """
    _schema, model = unpack(calibrated.content)
    tensors = _find(model)
    branches = (tensors.gentle, tensors.steep)
    whole = sum(branch.slope for branch in branches)
    shifts = {each.surplus: np.array([-shift * each.slope / whole], np.float32) for each in branches}
    return replace(calibrated, content=shift_biases(calibrated.content, shifts))


def mean_lead_error(expected: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """By how much the lead of `unknown` is larger than the Keras model's, near the threshold.

    Args:
        expected: scores of the Keras model, shape (images, classes + 1).
        found: of the converted model.

    Returns:
        The mean over images that are nearly rejected, in logits; 0 where these are too few to tell.
    """
    leads = lead_of_unknown(expected)
    near = (leads > NEAR[0]) & (leads < NEAR[1])
    return float((lead_of_unknown(found) - leads)[near].mean()) if near.sum() >= FEWEST else 0.0


def shift_that_keeps(
    expected: NDArray[np.float32], found_at: Callable[[float], NDArray[np.float32]]
) -> float:
    """The shift of the lead of `unknown` with which as many images are kept as by the Keras model.

    A mean error of 0 does not do that: far more images are kept than rejected, so that errors of either sign
    make more of them cross the threshold outward than inward.

    Args:
        expected: scores of the Keras model, shape (images, classes + 1).
        found_at: shift → scores of the converted model, likewise.

    Returns:
        The shift, `MOST_SHIFTED` at most; 0 where the numbers differ by no more than chance.
    """
    keeps, kept = is_kept(expected), is_kept(found_at(0.0))
    lost, won = int((keeps & ~kept).sum()), int((~keeps & kept).sum())
    if mcnemar(lost, won) >= SIGNIFICANCE_LEVEL:
        return 0.0
    direction = -1.0 if lost > won else 1.0
    too_little, enough = 0.0, MOST_SHIFTED
    while enough - too_little > SHIFT_PRECISION:
        middle = (too_little + enough) / 2
        change = int(is_kept(found_at(direction * middle)).sum()) - int(keeps.sum())
        if direction * change <= 0:
            enough = middle
        else:
            too_little = middle
    return direction * enough


@dataclass(frozen=True)
class RejectionComparison:
    """How a converted model rejects, beside the Keras model; fractions in [0, 1].

    Attributes:
        float_kept: of the held-out images the Keras model keeps.
        kept: of them the converted model keeps.
        lost: held-out images that only the Keras model keeps.
        won: held-out images that only the converted model keeps.
        float_accepted: of the synthetic images of no class the Keras model takes for one of a class.
        accepted: of them the converted model does.
        let_in: synthetic images that only the converted model accepts.
        shut_out: synthetic images that only the Keras model accepts.
        unknowns: synthetic images of no class.
        agreement: of all these images have the same decision.
    """

    float_kept: float
    kept: float
    lost: int
    won: int
    float_accepted: float
    accepted: float
    let_in: int
    shut_out: int
    unknowns: int
    agreement: float

    def within(self, limit: float) -> bool:
        """Whether neither more images of the classes are rejected nor more others accepted, beyond chance.

        Args:
            limit: of the fraction of images of the classes that is lost; of the others `MAX_LET_IN` may be
                accepted besides.
        """
        worse = (
            (self.float_kept - self.kept, limit, self.lost, self.won),
            (self.accepted - self.float_accepted, max(limit, MAX_LET_IN), self.let_in, self.shut_out),
        )
        return all(
            change <= most + 1e-9 or mcnemar(against, for_it) >= SIGNIFICANCE_LEVEL
            for change, most, against, for_it in worse
        )


def compare_rejection(
    known: tuple[NDArray[np.float32], NDArray[np.float32]],
    unknown: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> RejectionComparison:
    """Compare the decisions of two models.

    Args:
        known: scores of the Keras and of the converted model for held-out images, (images, classes + 1).
        unknown: likewise for images of no class.
    """
    keeps, kept = (is_kept(each) for each in known)
    accepts, accepted = (is_kept(each) for each in unknown)
    return RejectionComparison(
        float_kept=float(keeps.mean()),
        kept=float(kept.mean()),
        lost=int((keeps & ~kept).sum()),
        won=int((~keeps & kept).sum()),
        float_accepted=float(accepts.mean()),
        accepted=float(accepted.mean()),
        let_in=int((~accepts & accepted).sum()),
        shut_out=int((accepts & ~accepted).sum()),
        unknowns=len(accepts),
        agreement=float(np.concatenate([keeps == kept, accepts == accepted]).mean()),
    )


def _producers(model: Any) -> dict[int, Any]:
    """Tensor → the operator that writes it."""
    return {int(each.outputs[0]): each for each in model.subgraphs[0].operators}


def _find(model: Any) -> _Tensors:
    """Go back from the last concatenation, over the operators that the rejection is made of."""
    producers = _producers(model)
    graph = model.subgraphs[0]
    try:
        together = int(producers[int(graph.outputs[0])].inputs[0])
        relative, lead = map(int, producers[together].inputs)
        logits, largest = map(int, producers[relative].inputs)
        below_limit = int(producers[lead].inputs[1])
        limit = get_weights(model, producers[lead], 0).item()
        branches = [_find_branch(model, producers, int(each)) for each in producers[below_limit].inputs]
        gentle, steep = sorted(branches, key=lambda each: each.slope)
        detectors = _find_detectors(producers, branches)
        classes = int(graph.tensors[logits].shape[-1])
    except (KeyError, ValueError, StopIteration, IndexError) as error:
        raise ModelError(
            "the output for images of no class is not one that this edge-train makes: train the run again"
        ) from error
    together_tensors = (relative, lead, together)
    return _Tensors(logits, largest, detectors, gentle, steep, below_limit, together_tensors, limit, classes)


def _find_detectors(producers: Mapping[int, Any], branches: Iterable[_Branch]) -> int:
    """The tensor that the evidence of every branch is the sum of.

    Raises:
        ValueError: no dense layer that all share, as in runs of earlier versions.
    """
    (detectors,) = {int(producers[each.evidence].inputs[0]) for each in branches}
    # A dense layer has constant weights, a product of two tensors has none.
    if any(int(each) in producers for each in producers[detectors].inputs[1:]):
        raise ValueError("not a dense layer")
    return detectors


def _find_branch(model: Any, producers: Mapping[int, Any], tensor: int) -> _Branch:
    left = [tensor]
    # The relu is fused into the subtraction, or an operator of its own.
    if len(producers[tensor].inputs) == 1:
        left.append(int(producers[tensor].inputs[0]))
    surplus, evidence = map(int, producers[left[-1]].inputs)
    slope = float(get_weights(model, producers[surplus], 1)[0, 0])
    return _Branch(surplus, evidence, tuple(left), slope)
