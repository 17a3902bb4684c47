from dataclasses import replace

import numpy as np
import pytest

from converter.quantization import Calibration, calibrate, clip_ranges
from tests.small_network import images, network


@pytest.mark.parametrize("method", [Calibration.PERCENTILE, Calibration.MSE])
def test_values_that_hardly_differ_have_a_range(method: Calibration) -> None:
    """Between two of 2048 bins there is no other number in float32."""
    model = network()
    head = model.layers[-1].get_layer("scores")
    kernel, bias = head.get_weights()
    head.set_weights([kernel, bias + 10_000_000])
    calibrated = calibrate(model, images(8, seed=1))
    ranges = clip_ranges(calibrated, method)
    assert sum(high > 9_999_000 for _low, high in ranges.values()) == 1


def test_images_that_widen_a_range_count_in_what_is_selected() -> None:
    """Frames of one color that int8 should reject have to fit into the ranges."""
    grey = [np.clip(each, 120, 136) for each in images(40, seed=1)]
    white = [np.full_like(grey[0], 255)] * 10
    both = calibrate(network(), [*grey, *white])
    without = clip_ranges(replace(both, images=grey), Calibration.MSE)
    with_frames = clip_ranges(both, Calibration.MSE)
    widths = [(without[index], with_frames[index]) for index in without]
    wider = [high - low > 1.5 * (top - bottom) for (bottom, top), (low, high) in widths]
    assert np.mean(wider) > 0.5, widths
