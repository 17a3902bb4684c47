"""The head that a training by cross-validation ends with."""

import dataclasses
from pathlib import Path

import numpy as np

from trainer import Distribute, TrainConfig, TrainingReporter
from trainer.cross_validation import FeatureCopies, train_by_cross_validation
from trainer.data import ImageLoader, group_numbers, make_batches, prepare_data
from trainer.fitting import Course, join_workers
from trainer.network import FeatureCache, build_network


def test_with_field_copies_weigh_as_they_are_drawn_in_an_epoch(
    assets: Path, color_folder: Path, tmp_path: Path
) -> None:
    weights = str(assets / "mobilenet_v2_0.35_no_top.weights.h5")
    config = TrainConfig(
        data=str(color_folder), weights=weights, alpha=0.35, image_size=32, field=True, fine_tune_epochs=0
    )
    with TrainingReporter() as reporter:
        data = prepare_data(config, reporter)
        train = make_batches(ImageLoader(data.dataset, (32, 32), config.resize), data.samples, data.labels, 8)
        network, cache = build_network(config, 3), FeatureCache(tmp_path)
        course = Course(config, network, train, train, cache, join_workers(Distribute.NONE), reporter)
        cached = cache.of_training(config, network, train, lambda _fraction: None)
        choice = train_by_cross_validation(course, group_numbers(data.samples), reporter).choice
    rows = np.concatenate(list(cached.blocks())).reshape(cached.copies, len(train.targets), -1)
    assert cached.draw is not None
    copies = FeatureCopies(rows, train.targets, np.ones(3, np.float32), cached.draw.weights(cached.copies))
    unweighted = dataclasses.replace(copies, copy_weights=None)
    expected, other = (
        each.fit(np.arange(len(train.targets)), choice.penalty).kernel for each in (copies, unweighted)
    )
    kernel = next(layer.kernel.numpy() for layer in network.head.layers if hasattr(layer, "kernel"))
    np.testing.assert_allclose(kernel, expected, atol=1e-4)
    assert not np.allclose(kernel, other, atol=1e-3)
