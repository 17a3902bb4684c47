"""Golden samples: small images with an answer that holds."""

from pathlib import Path

import numpy as np
import pytest

from edge_runtime.core import Resize
from edge_runtime.datasets import open_dataset
from edge_runtime.images import decode_image, encode_png
from trainer.data import ImageLoader, make_batches
from trainer.evaluation.evaluated_split import EvaluatedSplit
from trainer.evaluation.golden_samples import MAX_SIDE, make_golden_samples

SIDE = 2 * MAX_SIDE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of each class an image of dots that are gone where it is reduced, and one of large squares."""
    dots, squares = (
        np.kron(np.indices((SIDE // size, SIDE // size)).sum(axis=0) % 2, np.ones((size, size)))
        for size in (1, 16)
    )
    for name in ("dark", "light"):
        for kind, pattern in (("dots", dots), ("squares", squares)):
            image = np.repeat((60 * pattern + (0 if name == "dark" else 190))[..., np.newaxis], 3, axis=2)
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / f"{kind}.png").write_bytes(encode_png(image.astype(np.uint8)))
    return tmp_path


def score(pixels: np.ndarray) -> np.ndarray:
    """Light or dark, surer the more contrast there is."""
    sure = 0.5 + np.minimum(pixels.std(axis=(1, 2, 3)) / 60, 0.5)
    light = pixels.mean(axis=(1, 2, 3)) > 128
    return np.stack([np.where(light, 1 - sure, sure), np.where(light, sure, 1 - sure)], axis=1)


def test_of_a_class_the_image_that_is_surest_when_reduced_is_taken(folder: Path) -> None:
    dataset = open_dataset(str(folder))
    loader = ImageLoader(dataset, (SIDE, SIDE), Resize.SQUASH)
    batches = make_batches(loader, dataset.samples, ("dark", "light"), 4)
    # Both are as sure at their full size, and the dots come first.
    scores = np.concatenate([score(pixels) for pixels, _targets in batches])
    split = EvaluatedSplit("validation", ("dark", "light"), batches, scores.round(3))
    for number, sample in enumerate(golden := make_golden_samples(score, split, Resize.SQUASH)):
        assert decode_image(sample.png, at_least=0).shape == (MAX_SIDE, MAX_SIDE, 3)
        assert sample.scores[number] > 0.9
    assert len(golden) == 2
