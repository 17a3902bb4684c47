"""Leave the fewest layers in float that bring the accuracy back.

Not single layers are tried but tensors: what makes a tensor and what reads it stay in float together, for a
layer alone would still write or read the int8 tensor that hurts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from converter.quantization.activations import Activation, read_activations, readable
from converter.quantization.comparison import compare, converted_scores, float_scores, open_converted
from converter.quantization.quantizer import Quantizer, Ranges
from edge_runtime import Classifier, Image, ModelCard
from edge_runtime.core import clock
from edge_runtime.core.progress import Tick

RANKING_IMAGES = 32
SHORTLIST = 8
TIMED_ROUNDS = 50


def keep_worst_in_float(
    quantizer: Quantizer,
    ranges: Ranges | None,
    card: ModelCard,
    passes: Callable[[bytes], bool],
    tick: Tick,
) -> tuple[str, ...] | None:
    """Find the operators to keep in float.

    Every activation is ranked by how near the scores come to the float model's (Kullback-Leibler divergence
    on calibration pictures) once it stays in float; then the best are kept one after the other.

    Args:
        quantizer: the model, calibrated.
        ranges: as for `Quantizer.quantize`.
        card: of the run.
        passes: whether a converted model is good enough.
        tick: is told of the progress.

    Returns:
        Output tensor names of the operators, in the order in which they run; None where even keeping all of
        them does not help.
    """
    images = quantizer.images[:RANKING_IMAGES]
    divergence = _divergence(quantizer, ranges, card, images)
    candidates = read_activations(quantizer.calibrated)
    scored: list[tuple[float, Activation]] = []
    for done, each in enumerate(candidates, 1):
        scored.append((divergence(set(each.operators)), each))
        tick(done, len(candidates))
    ranked = [each for _, each in sorted(scored, key=lambda pair: pair[0])]
    kept: set[str] = set()
    while ranked:
        shortlist = ranked[:SHORTLIST]
        best = min(shortlist, key=lambda each: divergence(kept | set(each.operators)))
        ranked.remove(best)
        kept |= set(best.operators)
        if passes(quantizer.quantize(ranges, kept)):
            return tuple(each.name for each in candidates if each.name in kept)
    return None


@dataclass(frozen=True)
class KeptFloat:
    """What stays in float, and what it costs.

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
    """Hold a model with some operators in float against the one that is all int8."""
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
    quantizer: Quantizer, ranges: Ranges | None, card: ModelCard, images: Sequence[Image]
) -> Callable[[set[str]], float]:
    expected = float_scores(quantizer.model, images)
    targets = np.zeros(len(images), np.int64)

    def measure(kept: set[str]) -> float:
        found = converted_scores(quantizer.quantize(ranges, kept), card, images)
        return compare(expected, found, targets, card.labels).kl_divergence

    return measure
