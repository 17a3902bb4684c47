import numpy as np
import pytest

from edge_runtime import Flip, Frame, Region, Rotation, Transform, UsageError

IMAGE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


@pytest.mark.parametrize("rotation", Rotation)
def test_images_are_rotated_clockwise(rotation: Rotation) -> None:
    expected = np.rot90(IMAGE, -int(rotation) // 90)
    np.testing.assert_array_equal(Transform(rotation).apply(IMAGE), expected)


def test_images_are_flipped() -> None:
    np.testing.assert_array_equal(Transform(flip=Flip.HORIZONTAL).apply(IMAGE), IMAGE[:, ::-1])
    np.testing.assert_array_equal(Transform(flip=Flip.VERTICAL).apply(IMAGE), IMAGE[::-1])


def test_the_region_is_that_of_the_upright_image() -> None:
    transform = Transform(Rotation.QUARTER, Flip.HORIZONTAL, Region(1, 2, 2, 3))
    upright = np.rot90(IMAGE, -1)[:, ::-1]
    np.testing.assert_array_equal(transform.apply(IMAGE), upright[2:5, 1:3])


def test_a_region_that_reaches_over_the_edge_is_cut_off_and_one_outside_is_refused() -> None:
    assert Transform(region=Region(4, 2, 100, 100)).apply(IMAGE).shape == (2, 2, 3)
    with pytest.raises(UsageError, match="--roi 6,0,1,1 lies outside of the image of 6x4"):
        Transform(region=Region(6, 0, 1, 1)).apply(IMAGE)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "-1,0,2,2", "0,0,0,5", "1.5,0,2,2"])
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--roi takes X,Y"):
        Region.parse(text)


def test_a_transformed_frame_keeps_all_but_the_image() -> None:
    frame = Frame(IMAGE, 3, 1.0, 2.0, "camera:0")
    (seen,) = Transform(Rotation.HALF)(iter([frame]))
    assert (seen.index, seen.captured_at, seen.wall_time, seen.source) == (3, 1.0, 2.0, "camera:0")
    assert next(Transform()(iter([frame]))) is frame
    assert next(Transform(Rotation.HALF)(iter([None, frame]))) is None
