"""Near-duplicates among images that all look alike to the hash: found, and in linear time."""

from unittest.mock import patch

import numpy as np

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
