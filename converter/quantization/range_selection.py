"""Select ranges without outliers, which would cost all other values their resolution."""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from converter.quantization.activations import Activation, read_activations, run_all_tensors
from converter.quantization.int8 import Calibrated, Ranges
from edge_runtime.core import Tick, no_tick
from edge_runtime.images import opencv

BINS = 2048
PERCENTILE = 99.99
LEVELS = 255


class Calibration(StrEnum):
    """How the range of an activation is selected from the calibration images.

    minmax takes the whole range; percentile leaves out 0.01 % at either end; mse takes the range with the
    smallest mean squared error of rounding and clipping; auto takes the method whose scores agree best with
    the float model's on held-out calibration images.
    """

    MINMAX = "minmax"
    PERCENTILE = "percentile"
    MSE = "mse"
    AUTO = "auto"


def clip_ranges(calibrated: Calibrated, method: Calibration, tick: Tick = no_tick) -> Ranges:
    """Narrower ranges for activations with outliers.

    Args:
        calibrated: the float model with the ranges that calibration measured.
        method: percentile or mse.
        tick: progress callback.

    Returns:
        Ranges of all activations but the input, which has to cover every pixel, and the scores.
    """
    activations = read_activations(calibrated.content)[1:-1]
    counts = [np.zeros(BINS, np.int64) for _ in activations]
    indices = [each.index for each in activations]
    images = calibrated.images
    values_of = run_all_tensors(calibrated.content, images, calibrated.input_range, indices)
    for done, values in enumerate(values_of, 1):
        tick(done, len(images))
        for count, each, value in zip(counts, activations, values, strict=True):
            count += _histogram(value, each)
    choose = _percentile if method is Calibration.PERCENTILE else _least_squares
    return {each.index: choose(count, each) for count, each in zip(counts, activations, strict=True)}


def _histogram(values: NDArray[np.float32], activation: Activation) -> NDArray[np.int64]:
    # The upper end is not part of OpenCV's last bin.
    ends = [activation.low, float(np.nextafter(np.float32(activation.high), np.float32(np.inf)))]
    counts = opencv().calcHist([values.reshape(-1, 1)], [0], None, [BINS], ends)
    return np.asarray(counts.ravel(), np.int64)


def _percentile(counts: NDArray[np.int64], activation: Activation) -> tuple[float, float]:
    edges = _edges(activation)
    fraction = counts.cumsum() / max(int(counts.sum()), 1) * 100
    low = edges[int(np.searchsorted(fraction, 100 - PERCENTILE))]
    high = edges[min(int(np.searchsorted(fraction, PERCENTILE)) + 1, BINS)]
    return min(float(low), 0.0), max(float(high), 0.0)


def _least_squares(counts: NDArray[np.int64], activation: Activation) -> tuple[float, float]:
    edges = _edges(activation)
    centers = (edges[:-1] + edges[1:]) / 2
    candidates = [(activation.low * part, activation.high * part) for part in np.linspace(0.3, 1.0, 29)]
    return min(candidates, key=lambda span: _error(counts, centers, span))


def _error(counts: NDArray[np.int64], centers: NDArray[np.float64], span: tuple[float, float]) -> float:
    low, high = min(span[0], 0.0), max(span[1], 0.0)
    step = (high - low) / LEVELS or 1.0
    quantized = np.rint(np.clip(centers, low, high) / step) * step
    # Rounding errors are uniform over a step, also where a bin is wider than one.
    return float((counts * ((centers - quantized) ** 2 + step**2 / 12)).sum())


def _edges(activation: Activation) -> NDArray[np.float64]:
    return np.linspace(activation.low, activation.high, BINS + 1)
