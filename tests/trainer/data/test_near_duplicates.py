"""Near-duplicates among images that all look alike to the hash: found, and in linear time."""

from unittest.mock import patch

import numpy as np
import pytest

from edge_runtime.core import Resize
from edge_runtime.images import fit
from trainer.data import find_near_duplicates, near_duplicates

ALIKE = 0b1010
"""A hash that all images share but for a few bits."""


def noise(count: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (64, 64, 3)).astype(np.uint8) for _ in range(count)]


def test_a_near_duplicate_among_many_candidates_is_found() -> None:
    images = noise(60)
    brighter = np.clip(images[7].astype(int) + 9, 0, 255).astype(np.uint8)
    hashes = [ALIKE ^ (0b11111 << 20)] * 60
    hashes[7] = ALIKE
    everything = [*images, brighter]
    assert find_near_duplicates([*hashes, ALIKE ^ 1], everything.__getitem__) == ((7, 60),)


def test_images_that_only_hash_alike_are_compared_with_few_others() -> None:
    images = noise(120)
    compare = near_duplicates._correlation
    with patch.object(near_duplicates, "_correlation", side_effect=compare) as compared:
        assert find_near_duplicates([ALIKE] * 120, images.__getitem__) == ()
    assert compared.call_count <= near_duplicates.MAX_TRIED * 120
    assert compared.call_count < 120 * 119 / 2 / 3


def scene(seed: int) -> np.ndarray:
    """Smooth shapes of several sizes, shape (160, 160, 3)."""
    random = np.random.default_rng(seed)
    layers = [
        np.kron(random.normal(size=(side, side)), np.ones((160 // side, 160 // side))) for side in (5, 10, 20)
    ]
    grey = 128 + 30 * sum(layers)
    return np.clip(np.repeat(grey[:, :, np.newaxis], 3, axis=2), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("cut", [3, 6, 9, 12])
def test_a_crop_is_found_that_was_made_brighter(cut: int) -> None:
    random = np.random.default_rng(cut)
    for seed in range(20):
        whole = scene(seed)
        top, left = random.integers(0, cut + 1, 2)
        part = whole[top : top + 160 - cut, left : left + 160 - cut]
        part = np.clip(part * 1.2 + random.normal(0, 6, part.shape), 0, 255).astype(np.uint8)
        images = [fit(each, (64, 64), Resize.SQUASH) for each in (whole, scene(seed + 100), part)]
        assert find_near_duplicates([ALIKE] * 3, images.__getitem__) == ((0, 2),)
