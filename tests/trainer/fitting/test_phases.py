"""What a phase of a training sees in an epoch, and how much each class weighs."""

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from trainer import ClassWeights, Distribute, RandomFlip, TrainConfig, TrainingReporter
from trainer.data import ImageLoader, make_batches, prepare_data
from trainer.data.augmentation import FIELD_IMAGES, FIELD_PASSES, fine_tuning_passes
from trainer.fitting import Course, class_weights, join_workers
from trainer.network import FeatureCache, build_network


@pytest.fixture
def course(color_folder: Path, tmp_path: Path) -> Course:
    config = TrainConfig(
        data=str(color_folder), weights="none", alpha=0.35, image_size=32, flip=RandomFlip.ON, batch_size=5
    )
    with TrainingReporter() as reporter:
        data = prepare_data(config, reporter)
        loader = ImageLoader(data.dataset, (32, 32), config.resize)
        train, validation = (
            make_batches(loader, data.split(split), data.labels, 5) for split in ("train", "validation")
        )
        workers, features = join_workers(Distribute.NONE), FeatureCache(tmp_path)
        return Course(config, build_network(config, 3), train, validation, features, workers, reporter)


@pytest.mark.parametrize(("field", "passes"), [(False, 1), (True, FIELD_PASSES)])
def test_an_epoch_of_fine_tuning_has_each_image_more_often_with_field(
    course: Course, field: bool, passes: int
) -> None:
    config = dataclasses.replace(course.config, field=field)
    phase = dataclasses.replace(course, config=config).fine_tuning().build()
    epochs = [list(phase.data.batches(number)) for number in (1, 2)]
    assert [len(batches) for batches in epochs] == [phase.data.steps] * 2
    assert phase.data.steps == passes * len(course.train)
    images = len(course.train.targets)
    orders = []
    for batches in epochs:
        seen = [image.tobytes() for pixels, _targets in batches for image in pixels]
        assert len(seen) == passes * images
        assert set(Counter(seen).values()) == {passes}
        orders += [tuple(seen[start : start + images]) for start in range(0, len(seen), images)]
    assert len(set(orders)) == 2 * passes, "every pass has an order of its own"


@pytest.mark.parametrize(
    ("images", "passes"),
    [(1, FIELD_PASSES), (200, 4), (201, 4), (400, 2), (799, 2), (FIELD_IMAGES, 1), (50_000, 1)],
)
def test_many_images_are_in_an_epoch_once(images: int, passes: int) -> None:
    assert fine_tuning_passes(TrainConfig(data="x", field=True), images) == passes
    assert fine_tuning_passes(TrainConfig(data="x"), images) == 1


def test_balanced_weights_let_each_class_count_alike() -> None:
    targets = np.array([0] * 8 + [1] * 2)
    weights = class_weights(TrainConfig(data="x", class_weights=ClassWeights.BALANCED), targets)
    assert weights is not None
    np.testing.assert_allclose(weights, [10 / 16, 10 / 4])
    assert weights[targets].sum() == pytest.approx(len(targets))
    assert class_weights(TrainConfig(data="x"), targets) is None
