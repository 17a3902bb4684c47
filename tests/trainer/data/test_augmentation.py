import dataclasses

import numpy as np
import pytest

from trainer import RandomFlip, TrainConfig
from trainer.data.augmentation import GREY, build_augmentation, flip_for, mirror

NONE = TrainConfig(data="x", weights="none", flip=RandomFlip.OFF, rotation=0.0, zoom=0.0, shift=0.0)
PIXELS = np.random.default_rng(0).integers(40, 200, (16, 32, 48, 3)).astype(np.float32)


def augmented(**options: object) -> np.ndarray:
    augmentation = build_augmentation(dataclasses.replace(NONE, **options))  # type: ignore[arg-type]
    assert augmentation is not None
    return np.asarray(augmentation(PIXELS))


def test_nothing_asked_for_is_nothing_done() -> None:
    assert build_augmentation(NONE) is None


@pytest.mark.parametrize(
    "options",
    [
        {"flip": RandomFlip.ON}, {"rotation": 0.1}, {"zoom": 0.3}, {"shift": 0.2}, {"brightness": 0.3},
        {"contrast": 0.5}, {"cutout": 0.5}, {"sharpness": 0.8},
    ],
    ids=lambda options: next(iter(options)),
)  # fmt: skip
def test_each_change_keeps_shape_and_range_and_differs_from_image_to_image(
    options: dict[str, object],
) -> None:
    changed = augmented(**options)
    assert changed.shape == PIXELS.shape
    assert changed.min() >= 0
    assert changed.max() <= 255
    amounts = np.abs(changed - PIXELS).mean(axis=(1, 2, 3))
    assert (amounts > 0.1).any()
    assert len(np.unique(np.round(amounts, 3))) > 1


def test_a_flip_mirrors_some_images_and_leaves_the_others() -> None:
    changed = augmented(flip=RandomFlip.ON)
    mirrored = np.asarray(mirror(PIXELS))
    np.testing.assert_array_equal(mirrored, PIXELS[:, :, ::-1])
    for before, after, other in zip(PIXELS, changed, mirrored, strict=True):
        assert np.array_equal(after, before) or np.array_equal(after, other)


def test_cutout_greys_a_rectangle_of_half_to_all_of_the_side() -> None:
    grey = (augmented(cutout=0.5) == GREY).all(axis=3)
    for image in grey:
        rows, columns = image.any(axis=1).sum(), image.any(axis=0).sum()
        assert image.sum() == rows * columns
        assert 32 * 0.25 - 1 <= rows <= 32 * 0.5 + 1
        assert 48 * 0.25 - 1 <= columns <= 48 * 0.5 + 1


def test_signs_are_not_mirrored() -> None:
    assert flip_for(tuple("0123456789")) is RandomFlip.OFF
    assert flip_for(("A", "B")) is RandomFlip.OFF
    assert flip_for(("alpaca", "not alpaca")) is RandomFlip.ON
