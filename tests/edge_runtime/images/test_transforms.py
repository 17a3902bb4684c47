import numpy as np
import pytest

from edge_runtime import Frame, Mirror, Region, Rotation, UsageError, View

PICTURE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


@pytest.mark.parametrize("rotation", Rotation)
def test_pictures_are_turned_clockwise(rotation: Rotation) -> None:
    expected = np.rot90(PICTURE, -int(rotation) // 90)
    np.testing.assert_array_equal(View(rotation).see(PICTURE), expected)


def test_pictures_are_mirrored() -> None:
    np.testing.assert_array_equal(View(mirror=Mirror.HORIZONTAL).see(PICTURE), PICTURE[:, ::-1])
    np.testing.assert_array_equal(View(mirror=Mirror.VERTICAL).see(PICTURE), PICTURE[::-1])


def test_the_region_is_that_of_the_upright_picture() -> None:
    view = View(Rotation.QUARTER, Mirror.HORIZONTAL, Region(1, 2, 2, 3))
    upright = np.rot90(PICTURE, -1)[:, ::-1]
    np.testing.assert_array_equal(view.see(PICTURE), upright[2:5, 1:3])


def test_a_region_that_reaches_over_the_edge_is_cut_off_and_one_outside_is_refused() -> None:
    assert View(region=Region(4, 2, 100, 100)).see(PICTURE).shape == (2, 2, 3)
    with pytest.raises(UsageError, match="--roi 6,0,1,1 lies outside of the picture of 6x4"):
        View(region=Region(6, 0, 1, 1)).see(PICTURE)


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "-1,0,2,2", "0,0,0,5", "1.5,0,2,2"])
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--roi takes X,Y"):
        Region.parse(text)


def test_a_view_of_frames_keeps_all_but_the_picture() -> None:
    frame = Frame(PICTURE, 3, 1.0, 2.0, "camera:0")
    (seen,) = View(Rotation.HALF).apply([frame])
    assert (seen.index, seen.captured_at, seen.wall_time, seen.source) == (3, 1.0, 2.0, "camera:0")
    assert next(View().apply([frame])) is frame
