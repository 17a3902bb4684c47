import numpy as np
import pytest

from edge_runtime.datasets import make_extremes, make_unknowns
from edge_runtime.images import measure_image


def images() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [
        np.kron(random.integers(0, 256, (6, 8, 3), np.uint8), np.ones((8, 8, 1), np.uint8)) for _ in range(5)
    ]


def test_every_kind_has_as_many_of_the_size_of_the_images_and_the_same_again() -> None:
    first, again = (make_unknowns(images(), 7, seed=3) for _ in range(2))
    assert set(first) == {"uniform", "noise", "texture", "defocused", "scrambled"}
    for kind, made in first.items():
        assert len(made) == 7
        for one, other in zip(made, again[kind], strict=True):
            assert (one.shape, one.dtype) == ((48, 64, 3), np.uint8)
            np.testing.assert_array_equal(one, other)
    assert any(
        not np.array_equal(one, other)
        for one, other in zip(first["noise"], make_unknowns(images(), 7, seed=4)["noise"], strict=True)
    )


def test_black_and_white_are_among_the_uniform_ones() -> None:
    uniform = make_unknowns(images(), 200, seed=0)["uniform"]
    assert all(np.ptp(image.reshape(-1, 3), axis=0).max() == 0 for image in uniform)
    means = [float(image.mean()) for image in uniform]
    assert 0.0 in means
    assert 255.0 in means


def test_the_extremes_are_one_frame_of_each_grey_near_black_and_near_white() -> None:
    made = make_extremes(images()[0])
    assert all(
        (image.shape, image.dtype) == ((48, 64, 3), np.uint8) for each in made.values() for image in each
    )
    assert all(np.ptp(image) == 0 for each in made.values() for image in each)
    assert [int(image[0, 0, 0]) for image in made["black"]] == list(range(32))
    assert [int(image[0, 0, 0]) for image in made["white"]] == list(range(224, 256))


def test_no_shape_is_left_in_what_is_defocused_or_scrambled() -> None:
    made = make_unknowns(images(), 20, seed=0)
    sharpness = np.median([measure_image(image).sharpness for image in images()])
    blurred = np.median([measure_image(image).sharpness for image in made["defocused"]])
    assert blurred < 0.5 * sharpness
    for image, scrambled in zip(images(), made["scrambled"], strict=False):
        # Colors beyond 0 and 255 are cut off.
        np.testing.assert_allclose(
            scrambled.mean(axis=(0, 1)), image.astype(float).mean(axis=(0, 1)), atol=12
        )
        correlation = np.corrcoef(scrambled[..., 1].ravel(), image[..., 1].ravel())[0, 1]
        assert abs(correlation) < 0.5


@pytest.mark.parametrize("side", [1, 7, 32])
def test_any_size_will_do(side: int) -> None:
    made = make_unknowns([np.full((side, side, 3), 90, np.uint8)], 3, seed=0)
    assert all(image.shape == (side, side, 3) for each in made.values() for image in each)
