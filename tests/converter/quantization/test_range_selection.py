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
