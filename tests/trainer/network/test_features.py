"""Features of images: each copy in its place, in a file, and computed once for the weights of the base."""

import dataclasses
import resource
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.core import OutputError
from trainer import RandomFlip, TrainConfig, TrainingReporter
from trainer.data.augmentation import FIELD_COPIES
from trainer.data.batches import Batches, ImageLoader, make_batches
from trainer.data.preparation import Data, prepare_data
from trainer.data.share import Share
from trainer.network.classifier import Network, build_network
from trainer.network.feature_cache import FeatureCache
from trainer.network.feature_file import FeatureFile
from trainer.network.features import CachedFeatures, extract_features, feature_copies
from trainer.network.forward import build_forward


@pytest.fixture
def config(color_folder: Path) -> TrainConfig:
    return TrainConfig(
        data=str(color_folder), weights="none", alpha=0.35, image_size=32, flip=RandomFlip.ON, batch_size=5
    )


@pytest.fixture
def data(config: TrainConfig) -> Data:
    with TrainingReporter() as reporter:
        return prepare_data(config, reporter)


def batches_of(config: TrainConfig, data: Data, split: str, share: Share = Share()) -> Batches:  # noqa: B008
    loader = ImageLoader(data.dataset, (32, 32), config.resize)
    return make_batches(loader, data.split(split), data.labels, 5, share)


def rows_of(features: CachedFeatures) -> np.ndarray:
    return np.concatenate(list(features.blocks()))


class Fractions(list[float]):
    """Of the work that was done."""

    def __call__(self, fraction: float) -> None:
        self.append(fraction)


def nothing(_fraction: float) -> None:
    """Done with a fraction of the work."""


def test_three_workers_together_have_the_rows_of_one(config: TrainConfig, data: Data, tmp_path: Path) -> None:
    network = build_network(config, 3)
    train = batches_of(config, data, "train")
    copies = extract_features(build_forward(network.features), train, feature_copies(config), nothing)
    assert copies.shape == (2, len(train.samples), 1280)
    whole = FeatureCache(tmp_path).of_training(config, network, train, nothing)
    np.testing.assert_allclose(rows_of(whole), copies.reshape(-1, 1280), atol=1e-5)
    parts = [
        FeatureCache(tmp_path).of_training(
            config, network, batches_of(config, data, "train", Share(index, 3)), nothing
        )
        for index in range(3)
    ]
    assert sum(len(rows_of(part)) for part in parts) == 2 * len(train.samples)
    for batch, *shares in zip(whole.shuffled(7), *(part.shuffled(7) for part in parts), strict=True):
        together = np.concatenate([rows for rows, _targets in shares])
        assert sorted(np.concatenate([targets for _rows, targets in shares])) == sorted(batch[1])
        np.testing.assert_allclose(together.sum(axis=0), batch[0].sum(axis=0), rtol=1e-4, atol=1e-4)


def test_each_row_comes_with_its_target(config: TrainConfig, data: Data, tmp_path: Path) -> None:
    network, train = build_network(config, 3), batches_of(config, data, "train")
    cached = FeatureCache(tmp_path).of_training(config, network, train, nothing)
    rows = rows_of(cached)
    for batch, targets in cached.shuffled(3):
        for row, target in zip(batch, targets, strict=True):
            (same,) = np.flatnonzero((rows == row).all(axis=1))[:1]
            assert train.targets[same % len(train.targets)] == target


def test_with_field_a_quarter_of_the_rows_are_of_changed_copies(
    config: TrainConfig, data: Data, tmp_path: Path
) -> None:
    config = dataclasses.replace(config, field=True)
    network, train = build_network(config, 3), batches_of(config, data, "train")
    cached = FeatureCache(tmp_path).of_training(config, network, train, nothing)
    images = len(train.targets)
    assert cached.copies == 2 + FIELD_COPIES
    plain = {row.tobytes() for row in rows_of(cached)[: 2 * images]}
    epochs = [[row for batch, _targets in cached.shuffled(seed) for row in batch] for seed in range(20)]
    assert all(len(rows) == cached.copies * images for rows in epochs)
    drawn = [row.tobytes() not in plain for rows in epochs for row in rows]
    assert 0.2 < np.mean(drawn) < 0.3
    assert cached.draw is not None
    weights = cached.draw.weights(cached.copies)
    assert weights.sum() == pytest.approx(cached.copies)
    assert weights[2:].sum() == pytest.approx(cached.copies / 4), "as much as in the epochs"


def changed_base(network: Network) -> None:
    weights = network.base.get_weights()
    network.base.set_weights([weights[0] * 1.5, *weights[1:]])


def test_a_split_is_computed_once_until_the_base_changes(
    config: TrainConfig, data: Data, tmp_path: Path
) -> None:
    network, cache = build_network(config, 3), FeatureCache(tmp_path)
    train, validation = batches_of(config, data, "train"), batches_of(config, data, "validation")
    copies = cache.of_training(config, network, train, nothing)
    again = cache.of_split("train", network, train, done := Fractions())
    assert done == [1], "nothing was computed"
    assert again.statistics is None
    np.testing.assert_array_equal(rows_of(again), rows_of(copies)[: len(train.samples)])
    held_out = cache.of_split("validation", network, validation, nothing)
    assert held_out.statistics is not None
    assert {len(each) for each in held_out.statistics.values()} == {len(validation.samples)}
    assert cache.of_split("validation", network, validation, nothing).rows is held_out.rows
    changed_base(network)
    after = cache.of_split("train", network, train, done := Fractions())
    assert len(done) == len(train)
    assert not np.allclose(rows_of(after), rows_of(again), rtol=0.1, atol=0)


class Counted:
    """A network's forward pass that counts its images."""

    def __init__(self, network: Network) -> None:
        self.images = 0
        self._forward = network.forward
        network.__dict__["forward"] = self

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        self.images += len(pixels)
        return self._forward(pixels)


def test_known_features_of_unchanged_images_are_not_computed_for_a_training(
    config: TrainConfig, data: Data, tmp_path: Path
) -> None:
    network, train = build_network(config, 3), batches_of(config, data, "train")
    counted, cache = Counted(network), FeatureCache(tmp_path)
    alone = rows_of(FeatureCache(tmp_path).of_training(config, network, train, nothing))
    assert counted.images == 2 * len(train.samples), "unchanged and mirrored"
    cache.of_split("train", network, train, nothing)
    counted.images = 0
    again = rows_of(cache.of_training(config, network, train, nothing))
    assert counted.images == len(train.samples), "mirrored"
    np.testing.assert_array_equal(again, alone)


def test_rows_of_a_part_of_the_workers_are_not_taken_for_all(
    config: TrainConfig, data: Data, tmp_path: Path
) -> None:
    network, cache = build_network(config, 3), FeatureCache(tmp_path)
    cache.of_training(config, network, batches_of(config, data, "train", Share(0, 2)), nothing)
    whole = batches_of(config, data, "train")
    assert len(rows_of(cache.of_split("train", network, whole, nothing))) == len(whole.samples)


@given(
    order=st.lists(st.integers(0, 49), max_size=80),
    parts=st.lists(st.integers(1, 20), min_size=1, max_size=9),
)
def test_a_file_gives_the_rows_that_were_written(
    order: list[int], parts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    before = set(folder.iterdir())
    rows = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    file, first = FeatureFile(folder), 0
    while first < len(rows):
        size = parts[first % len(parts)]
        file.write(first, rows[first : first + size])
        first += size
    np.testing.assert_array_equal(file.read(np.array(order, np.int64)), rows[order])
    assert set(folder.iterdir()) == before, "the file has no name"


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    file, before = FeatureFile(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot be kept there \(File too large\): make room"):
            file.write(0, np.zeros((1000, 1280), np.float32))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
