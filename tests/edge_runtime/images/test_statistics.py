import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge_runtime.images import measure_image, opencv


def test_brightness_and_contrast_are_those_of_the_green_channel() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 30:, 1] = 200
    found = measure_image(image)
    assert (found.brightness, found.contrast) == (pytest.approx(100), pytest.approx(100))


def test_a_blurred_image_is_less_sharp_and_a_darker_one_as_sharp() -> None:
    random = np.random.default_rng(0)
    fields = random.integers(0, 256, (14, 14), np.uint8)
    image = np.repeat(np.kron(fields, np.ones((16, 16), np.uint8))[..., np.newaxis], 3, axis=2)
    sharp = measure_image(image).sharpness
    blurred = opencv().GaussianBlur(image, (0, 0), 4)
    assert measure_image(blurred).sharpness < 0.6 * sharp
    assert measure_image(image // 2).sharpness == pytest.approx(sharp, rel=0.05)


@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))))
def test_any_image_has_finite_statistics(image: np.ndarray) -> None:
    found = measure_image(image)
    assert 0 <= found.brightness <= 255
    assert 0 <= found.contrast <= 127.5 + 1e-6
    assert 0 <= found.sharpness < 256
