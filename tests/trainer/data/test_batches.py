"""Images at the model's size in batches, and how many of them are kept."""

from pathlib import Path

import numpy as np
import pytest

from edge_runtime import DatasetError, Resize
from edge_runtime.datasets import open_dataset
from trainer.data import ImageLoader, kept_bytes, make_batches


def test_a_batch_cannot_be_changed_for_later_epochs_take_its_images(color_folder: Path) -> None:
    dataset = open_dataset(str(color_folder))
    batches = make_batches(ImageLoader(dataset, (8, 8), Resize.SQUASH), dataset.samples, dataset.labels, 8)
    for images, _targets in batches:
        with pytest.raises(ValueError, match="read-only"):
            images[:] = 0


def test_images_that_are_read_once_are_not_kept_and_kept_ones_are_found(color_folder: Path) -> None:
    dataset = open_dataset(str(color_folder))
    loader = ImageLoader(dataset, (8, 8), Resize.SQUASH)
    kept, other = dataset.samples[:2]
    image = loader.load(kept)
    once = loader.without_keeping()
    once.load(other)
    for path in color_folder.rglob("*.png"):
        path.unlink()
    np.testing.assert_array_equal(once.load(kept), image)
    for each in (once, loader):
        with pytest.raises(DatasetError, match="can no longer be read"):
            each.load(other)


@pytest.mark.parametrize(("room", "kept"), [(0, 0), (2, 2), (100, 5)])
def test_no_more_images_are_kept_than_there_is_room_for(color_folder: Path, room: int, kept: int) -> None:
    dataset = open_dataset(str(color_folder))
    loader = ImageLoader(dataset, (8, 8), Resize.SQUASH, cache_bytes=room * 8 * 8 * 3)
    samples = dataset.samples[:5]
    images = [loader.load(each) for each in samples]
    for path in color_folder.rglob("*.png"):
        path.unlink()
    for each, image in zip(samples[:kept], images, strict=False):
        np.testing.assert_array_equal(loader.load(each), image)
    for each in samples[kept:]:
        with pytest.raises(DatasetError, match="can no longer be read"):
            loader.load(each)


@pytest.mark.parametrize("workers", [2, 3, 4, 8, 100])
def test_several_workers_together_keep_less_than_one_alone(workers: int) -> None:
    """Their collectives take memory, too."""
    assert 0 <= workers * kept_bytes(workers) < kept_bytes(1)
