import numpy as np
import pytest

from edge_runtime.images import draw_heatmap, spread


def test_evidence_is_spread_over_the_image_with_its_peak_in_place() -> None:
    evidence = np.zeros((4, 4), np.float32)
    evidence[1, 2] = 5
    amount = spread(evidence, np.zeros((80, 80, 3), np.uint8))
    assert amount.shape == (80, 80)
    assert (amount.min(), amount.max()) == (0, pytest.approx(1, abs=0.1))
    row, column = np.unravel_index(amount.argmax(), amount.shape)
    assert 20 <= row < 40
    assert 40 <= column < 60


def test_an_object_that_several_places_see_has_its_peak_in_their_middle() -> None:
    evidence = np.zeros((7, 7), np.float32)
    evidence[1:4, 2:5] = 3
    # The places are as certain as each other, but for noise.
    evidence[1, 2] += 0.1
    amount = spread(evidence, np.zeros((224, 224, 3), np.uint8))
    peak = np.unravel_index(amount.argmax(), amount.shape)
    assert peak == (pytest.approx(15.5 + 2 * 32, abs=8), pytest.approx(15.5 + 3 * 32, abs=8))


def test_what_speaks_against_a_class_stays_grey() -> None:
    image = np.full((20, 20, 3), 100, np.uint8)
    drawn = draw_heatmap(image, np.array([[-4.0, -1.0]], np.float32))
    np.testing.assert_array_equal(drawn, image)
    colored = draw_heatmap(image, np.array([[-4.0, -4.0, -4.0, 1.0]], np.float32))
    assert np.ptp(colored[10, 18].astype(int)) > 20
    assert np.ptp(colored[10, 1].astype(int)) == 0
