"""Similar images have similar hashes."""

import numpy as np

from edge_runtime.images import (
    decode_image,
    encode_jpeg,
    fit,
    has_telling_hash,
    hash_distance,
    perceptual_hash,
)
from tests.images import paint


def scene(seed: int, height: int = 240, width: int = 320) -> np.ndarray:
    """Smooth shapes, as photos have them."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return fit(coarse, (height, width))


def test_what_is_encoded_brightened_resized_or_cropped_stays_near() -> None:
    for seed in range(20):
        image = scene(seed)
        own = perceptual_hash(image)
        changed = {
            "encoded": decode_image(encode_jpeg(image, 20), at_least=0),
            "brighter": np.clip(image * 0.7 + 40, 0, 255).astype(np.uint8),
            "smaller": fit(image, (90, 120)),
            "cropped": np.ascontiguousarray(image[6:-6, 8:-8]),
        }
        distances = {name: hash_distance(own, perceptual_hash(each)) for name, each in changed.items()}
        assert max(distances.values()) <= 18, distances


def test_other_scenes_are_far() -> None:
    hashes = [perceptual_hash(scene(seed)) for seed in range(30)]
    distances = [hash_distance(one, other) for i, one in enumerate(hashes) for other in hashes[:i]]
    assert 28 <= np.mean(distances) <= 36
    assert all(0 <= each < 2**64 for each in hashes)


def test_a_small_image_and_one_without_contrast_have_no_telling_hash() -> None:
    assert has_telling_hash(scene(1))
    assert not has_telling_hash(scene(1, height=63))
    assert not has_telling_hash(paint((90, 90, 90), 100, 100))
