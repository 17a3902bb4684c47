"""The features that a head is trained on."""

from pathlib import Path

import numpy as np

from trainer import RandomFlip, TrainConfig, TrainingReporter
from trainer.data.batches import ImageLoader, make_batches
from trainer.data.preparation import prepare_data
from trainer.data.share import Share
from trainer.network.classifier import build_network
from trainer.network.features import cache_features, cache_training_features
from trainer.network.forward import build_forward


def test_every_copy_of_an_image_keeps_its_place(color_folder: Path) -> None:
    """Three workers' rows together are what one worker has."""
    with TrainingReporter() as reporter:
        config = TrainConfig(
            data=str(color_folder),
            weights="none",
            alpha=0.35,
            image_size=32,
            flip=RandomFlip.ON,
            batch_size=5,
        )
        data = prepare_data(config, reporter)
    forward = build_forward(build_network(config, 3).features)
    loader = ImageLoader(data.dataset, (32, 32), config.resize)

    def features(share: Share) -> np.ndarray:
        batches = make_batches(loader, data.split("train"), data.labels, 5, share)
        return cache_training_features(config, forward, batches, lambda _: None).features

    whole = features(Share())
    count = len(data.split("train"))
    assert whole.shape == (2 * count, 1280)
    parts = [features(Share(index, 3)) for index in range(3)]
    np.testing.assert_allclose(sum(parts), whole, atol=1e-5)
    batches = make_batches(loader, data.split("train"), data.labels, 5)
    plain = cache_features(forward, batches, lambda _: None).features
    np.testing.assert_allclose(whole[:count], plain, atol=1e-5)
