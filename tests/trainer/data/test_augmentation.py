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


def test_rotation_zoom_and_shift_leave_about_half_of_the_images_sharp() -> None:
    many = np.random.default_rng(0).integers(0, 255, (400, 16, 16, 3)).astype(np.float32)
    augmentation = build_augmentation(dataclasses.replace(NONE, rotation=0.1, zoom=0.1, shift=0.1))
    assert augmentation is not None
    changed = np.asarray(augmentation(many))
    unchanged = (changed == many).all(axis=(1, 2, 3))
    assert 160 <= unchanged.sum() <= 240
    assert changed[~unchanged].std() < many.std(), "interpolation smooths noise"


def test_a_shift_moves_by_at_most_its_fraction_and_a_rotation_keeps_the_middle() -> None:
    dot = np.zeros((64, 65, 65, 3), np.float32)
    dot[:, 32, 32] = 255
    moved = build_augmentation(dataclasses.replace(NONE, shift=0.1))
    turned = build_augmentation(dataclasses.replace(NONE, rotation=0.2))
    assert moved is not None
    assert turned is not None
    np.testing.assert_allclose(np.asarray(turned(dot))[:, 32, 32], 255, atol=1)
    rows, columns = np.mgrid[:65, :65]
    found = np.asarray(moved(dot))[..., 0]
    mass = found.sum(axis=(1, 2))
    np.testing.assert_allclose(mass, 255, rtol=0.01)
    places = np.stack([(found * axis).sum(axis=(1, 2)) / mass for axis in (rows, columns)]) - 32
    assert np.abs(places).max() <= 6.6
    assert places.std(axis=1).min() > 1, "both directions"


def test_field_conditions_are_dark_bright_noisy_blurred_or_none() -> None:
    grey = np.full((500, 24, 24, 3), 120, np.float32)
    grey[:, ::2] = 100
    from trainer.data.field_conditions import FieldConditions

    changed = np.asarray(FieldConditions(seed=1)(grey, training=True))
    assert changed.min() >= 0
    assert changed.max() <= 255
    mean, rows = changed.mean(axis=(1, 2, 3)), np.abs(np.diff(changed.mean(axis=(2, 3)), axis=1)).mean(axis=1)
    within = changed[:, ::2].std(axis=(1, 2, 3))
    kinds = {
        "none": (changed == grey).all(axis=(1, 2, 3)),
        "dark": mean < 105,
        "bright": mean > 115,
        "noise": within > 5,
        "blur": (np.abs(mean - 110) < 2) & (rows < 18) & (within < 3),
    }
    for kind, found in kinds.items():
        assert 50 <= found.sum() <= 160, kind


@pytest.mark.parametrize(("fraction", "least", "most"), [(None, 130, 230), (1.0, 300, 400), (0.0, 0, 0)])
def test_field_changes_so_many_of_the_images(fraction: float | None, least: int, most: int) -> None:
    """A tenth of those that it changes stay as they are: neither moved nor under another condition."""
    images = np.random.default_rng(0).integers(0, 256, (400, 24, 24, 3)).astype(np.float32)
    given = {} if fraction is None else {"field_fraction": fraction}
    augment = build_augmentation(dataclasses.replace(NONE, field=True), **given)
    assert augment is not None
    changed = (np.asarray(augment(images)) != images).any(axis=(1, 2, 3)).sum()
    assert least <= changed <= most
