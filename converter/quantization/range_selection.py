"""Ranges that leave outliers out: a few extreme activations must not cost all others their resolution."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from converter.quantization.activations import Activation, read_activations, run_all_tensors
from converter.quantization.quantizer import Ranges
from edge_runtime import Image
from edge_runtime.core.progress import Tick, no_tick
from edge_runtime.inference.input_encoding import InputRange

BINS = 2048
PERCENTILE = 99.99
LEVELS = 255


class Calibration(StrEnum):
    """How the range of an activation is taken from the calibration pictures.

    minmax takes all of it; percentile leaves 0.01 % out at either end; mse takes the range whose rounding and
    clipping errors together are smallest in the mean square; auto takes the one whose scores agree best with
    the float model's on calibration pictures that were held out.
    """

    MINMAX = "minmax"
    PERCENTILE = "percentile"
    MSE = "mse"
    AUTO = "auto"


def clip_ranges(
    calibrated: bytes,
    images: Sequence[Image],
    expected: InputRange,
    method: Calibration,
    tick: Tick = no_tick,
) -> Ranges:
    """Narrower ranges for the activations that have outliers.

    Args:
        calibrated: a float model with the ranges that calibration saw.
        images: the calibration pictures.
        expected: what the model takes for pixels 0 and 255.
        method: percentile or mse.
        tick: progress callback.

    Returns:
        Ranges for all activations but the input, which has to cover every pixel, and the scores.
    """
    activations = read_activations(calibrated)[1:-1]
    counts = [np.zeros(BINS, np.int64) for _ in activations]
    indices = [each.index for each in activations]
    for done, values in enumerate(run_all_tensors(calibrated, images, expected, indices), 1):
        tick(done, len(images))
        for count, each, value in zip(counts, activations, values, strict=True):
            count += np.histogram(value, BINS, (each.low, each.high))[0]
    choose = _percentile if method is Calibration.PERCENTILE else _least_squares
    return {each.index: choose(count, each) for count, each in zip(counts, activations, strict=True)}


def _percentile(counts: NDArray[np.int64], activation: Activation) -> tuple[float, float]:
    edges = _edges(activation)
    share = counts.cumsum() / max(int(counts.sum()), 1) * 100
    low = edges[int(np.searchsorted(share, 100 - PERCENTILE))]
    high = edges[min(int(np.searchsorted(share, PERCENTILE)) + 1, BINS)]
    return min(float(low), 0.0), max(float(high), 0.0)


def _least_squares(counts: NDArray[np.int64], activation: Activation) -> tuple[float, float]:
    edges = _edges(activation)
    centers = (edges[:-1] + edges[1:]) / 2
    candidates = [(activation.low * share, activation.high * share) for share in np.linspace(0.3, 1.0, 29)]
    return min(candidates, key=lambda span: _error(counts, centers, span))


def _error(counts: NDArray[np.int64], centers: NDArray[np.float64], span: tuple[float, float]) -> float:
    low, high = min(span[0], 0.0), max(span[1], 0.0)
    step = (high - low) / LEVELS or 1.0
    quantized = np.rint(np.clip(centers, low, high) / step) * step
    # Rounding spreads evenly over a step even where a bin is wider than one.
    return float((counts * ((centers - quantized) ** 2 + step**2 / 12)).sum())


def _edges(activation: Activation) -> NDArray[np.float64]:
    return np.linspace(activation.low, activation.high, BINS + 1)
