import numpy as np

from edge_runtime.core import Image
from edge_runtime.drift.layout import LEARNED, SceneLayout


def scene(seed: int) -> Image:
    """A room: large areas of different brightness."""
    fields = np.random.default_rng(seed).integers(20, 235, (6, 8, 3), np.uint8)
    return np.kron(fields, np.ones((16, 16, 1), np.uint8))


def visited(image: Image, random: np.random.Generator, light: float = 1.0) -> Image:
    """The scene with something in it, noise, and other light."""
    frame = image.astype(np.float32) * light
    top, left = random.integers(0, 64), random.integers(0, 96)
    frame[top : top + 32, left : left + 32] = random.integers(0, 256)
    return np.clip(frame + random.normal(0, 4, frame.shape), 0, 255).astype(np.uint8)


def test_a_fixed_camera_is_learned_and_another_scene_is_recognized() -> None:
    random = np.random.default_rng(0)
    layout, room = SceneLayout(), scene(1)
    for _ in range(2 * LEARNED):
        assert not layout.is_other_scene(visited(room, random))
    assert layout.is_learned
    same = [layout.is_other_scene(visited(room, random, light=0.5)) for _ in range(100)]
    assert np.mean(same) < 0.25, "half the light is the same scene"
    other = [layout.is_other_scene(visited(scene(2), random)) for _ in range(100)]
    assert np.mean(other) > 0.9


def test_photos_without_a_common_scene_are_never_called_moved() -> None:
    layout = SceneLayout()
    assert not any(layout.is_other_scene(scene(seed)) for seed in range(3 * LEARNED))
    assert not layout.is_learned


def test_a_uniform_frame_is_no_scene() -> None:
    layout = SceneLayout()
    assert not layout.is_other_scene(np.zeros((48, 64, 3), np.uint8))
