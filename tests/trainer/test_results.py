"""What of a large data set is evaluated at the end of a training."""

from pathlib import Path

import numpy as np
import pytest

from trainer import TrainConfig, TrainingReporter, results
from trainer.data.batches import Batches, ImageLoader, make_batches
from trainer.data.preparation import prepare_data
from trainer.network.classifier import Network, build_network
from trainer.network.feature_cache import FeatureCache


@pytest.fixture
def network(color_folder: Path) -> Network:
    return build_network(TrainConfig(data=str(color_folder), weights="none", alpha=0.35, image_size=32), 3)


@pytest.fixture
def train(color_folder: Path) -> Batches:
    config = TrainConfig(data=str(color_folder), image_size=32)
    with TrainingReporter() as reporter:
        data = prepare_data(config, reporter)
    return make_batches(
        ImageLoader(data.dataset, (32, 32), config.resize), data.split("train"), data.labels, 5
    )


def nothing(_fraction: float) -> None:
    """Done with a fraction of the work."""


def test_of_many_training_images_a_random_sample_is_evaluated_unless_their_features_are_known(
    network: Network, train: Batches, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = FeatureCache(tmp_path)
    assert results.evaluated_training_images(cache, network, train, 1) is train, "these are few"
    monkeypatch.setattr(results, "MAX_TRAINING_IMAGES", 12)
    some = results.evaluated_training_images(cache, network, train, 1)
    other = results.evaluated_training_images(cache, network, train, 2)
    assert len(some.samples) == 12 < len(train.samples)
    assert set(some.samples) < set(train.samples)
    assert set(some.samples) != set(other.samples)
    assert len(set(some.targets)) == 3, "of every class"
    assert len(cache.of_split("train", network, some, nothing).targets) == 12
    assert not cache.knows("train", network, train), "those of the sample are not taken for all"
    everything = cache.of_split("train", network, train, nothing)
    np.testing.assert_array_equal(everything.targets, train.targets)
    assert results.evaluated_training_images(cache, network, train, 1) is train
