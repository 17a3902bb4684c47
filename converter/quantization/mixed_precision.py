"""Mixed precision: keep the fewest layers in float that restore the accuracy.

Two ways are tried, and that with fewer operators in float is taken. The first operators of the network,
as many as it takes: what is rounded there reaches all that comes after, so that a network which loses a
little everywhere loses most of it there. And the worst tensors: the operators that write a tensor and
those that read it stay in float together, since a layer alone would still write or read the harmful int8
tensor.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from converter.quantization.activations import Activation, read_activations, readable
from converter.quantization.comparison import (
    FloatScores,
    converted_scores,
    measure_agreement,
    open_converted,
)
from converter.quantization.int8 import Calibrated, Ranges, quantize
from edge_runtime.core import Image, Tick, clock
from edge_runtime.inference import Classifier
from edge_runtime.model import ModelCard

RANKING_IMAGES = 32
SHORTLIST = 8
TIMED_ROUNDS = 50


def keep_worst_in_float(
    float_scores: FloatScores,
    calibrated: Calibrated,
    ranges: Ranges | None,
    card: ModelCard,
    passes: Callable[[bytes], bool],
    tick: Tick,
) -> tuple[str, ...] | None:
    """Find the operators to keep in float.

    The length of the first operators is found by bisection. For the worst ones, every activation is ranked by
    the divergence (Kullback-Leibler, on calibration images) of the scores from the float model's while it
    stays in float; then the best ones are kept one after the other, while they are fewer than the first ones.

    Args:
        float_scores: of the Keras model.
        calibrated: the float model.
        ranges: as for `quantize`.
        card: of the run.
        passes: whether a converted model is good enough.
        tick: progress callback.

    Returns:
        Output tensor names of the operators, in the order in which they run; None if even keeping all of
        them does not help.
    """
    candidates = read_activations(calibrated.content)
    touched = {name for each in candidates for name in each.operators}
    operators = tuple(each.name for each in candidates if each.name in touched)

    def good(kept: Collection[str]) -> bool:
        return passes(quantize(calibrated, ranges, kept))

    if not good(operators):
        return None
    first = operators[: 1 + bisect_left(range(len(operators)), True, key=lambda n: good(operators[: n + 1]))]
    divergence = _divergence(float_scores, calibrated, ranges, card)
    ranked = _rank(candidates, divergence, tick)
    kept: set[str] = set()
    while ranked:
        shortlist = ranked[:SHORTLIST]
        best = min(shortlist, key=lambda each: divergence(kept | set(each.operators)))
        ranked.remove(best)
        kept |= set(best.operators)
        if len(kept) >= len(first):
            break
        if good(kept):
            return tuple(name for name in operators if name in kept)
    return first


def _rank(
    candidates: Sequence[Activation], divergence: Callable[[set[str]], float], tick: Tick
) -> list[Activation]:
    """Those first that bring the scores closest to the float model's while they stay in float."""
    scored: list[tuple[float, Activation]] = []
    for done, each in enumerate(candidates, 1):
        scored.append((divergence(set(each.operators)), each))
        tick(done, len(candidates))
    return [each for _, each in sorted(scored, key=lambda pair: pair[0])]


@dataclass(frozen=True)
class KeptFloat:
    """The layers in float, and what they cost.

    Attributes:
        layers: names in the Keras model.
        extra_bytes: how much larger the model is than all int8.
        slowdown: median of its time over that of all int8, call by call.
    """

    layers: tuple[str, ...]
    extra_bytes: int
    slowdown: float


def measure_cost(
    operators: Sequence[str], int8: bytes, mixed: bytes, card: ModelCard, image: Image
) -> KeptFloat:
    """Compare size and time of a model with some operators in float with the one that is all int8."""
    classifiers = [open_converted(model, card) for model in (int8, mixed)]
    times = np.array([[_time(each, image) for each in classifiers] for _ in range(TIMED_ROUNDS)])
    return KeptFloat(
        layers=tuple(dict.fromkeys(readable(name) for name in operators)),
        extra_bytes=len(mixed) - len(int8),
        slowdown=float(np.median(times[:, 1] / times[:, 0])),
    )


def _time(classifier: Classifier, image: Image) -> float:
    started = clock.now()
    classifier.scores(image)
    return clock.now() - started


def _divergence(
    float_scores: FloatScores, calibrated: Calibrated, ranges: Ranges | None, card: ModelCard
) -> Callable[[set[str]], float]:
    images = calibrated.images[:RANKING_IMAGES]
    expected = float_scores(images)

    def measure(kept: set[str]) -> float:
        found = converted_scores(quantize(calibrated, ranges, kept), card, images)
        return measure_agreement(expected, found).kl_divergence

    return measure
