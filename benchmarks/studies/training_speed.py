"""Training speed beside plain Keras on the same images: reading, and the head phase.

    python -m benchmarks.studies.training_speed FOLDER WEIGHTS ALPHA

FOLDER contains a folder of images for each class, WEIGHTS a MobileNetV2's weights without top, of that width.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.measurement import describe_machine
from edge_runtime.core import Resize, clock, markdown_table
from edge_runtime.datasets import TRAIN, VALIDATION, open_dataset
from trainer import RandomFlip, TrainConfig, TrainingReporter
from trainer.data import Batches, ImageLoader, make_batches, prepare_data
from trainer.fitting import Course, Trainer, join_workers
from trainer.network import FeatureCache, build_network

BATCH_SIZE = 32
ROUNDS = 10


@dataclass(frozen=True)
class SecondsPair:
    """Seconds of the same work in two implementations.

    Attributes:
        ours: in this toolkit.
        keras: in plain Keras.
    """

    ours: float
    keras: float


@dataclass(frozen=True)
class HeadPhase:
    """A head trained on cached features, and one trained by `model.fit` with the base frozen.

    Attributes:
        cost: of all epochs; features, compiling and validation included.
        accuracy: the best on the validation images.
        keras_accuracy: the mean of the last five epochs on the same images. Plain training keeps no best
            weights: its result depends on the last few epochs.
    """

    cost: SecondsPair
    accuracy: float
    keras_accuracy: float


def measure_reading(folder: str, side: int, rounds: int = ROUNDS) -> list[SecondsPair]:
    """Read and resize every image once, as a training does and as Keras does, in turns.

    Keras' is `image_dataset_from_directory` with its own defaults.
    """
    import keras

    def read() -> int:
        dataset = open_dataset(folder)
        loader = ImageLoader(dataset, (side, side), Resize.FIT_SHORTEST)
        batches = make_batches(loader, dataset.samples, dataset.labels, BATCH_SIZE)
        return sum(len(images) for images, _targets in batches)

    def read_with_keras() -> int:
        batches = keras.utils.image_dataset_from_directory(
            folder, image_size=(side, side), batch_size=BATCH_SIZE, verbose=0
        )
        return sum(len(images) for images, _targets in batches)

    if read() != read_with_keras():
        raise ValueError(f"{folder} contains images that only one of the two reads")
    return [SecondsPair(_seconds(read), _seconds(read_with_keras)) for _ in range(rounds)]


def measure_head_phase(config: TrainConfig) -> HeadPhase:
    """Train a head as `edge-train` does, then as a notebook does.

    The notebook's images are read before its time begins, the others within it.
    """
    import keras

    keras.utils.set_random_seed(config.seed)
    with TrainingReporter() as reporter:
        data = prepare_data(config, reporter)
        loader = ImageLoader(data.dataset, (config.image_size, config.image_size), config.resize)
        train, validation = (
            make_batches(loader, data.split(split), data.labels, config.batch_size)
            for split in (TRAIN, VALIDATION)
        )
        network = build_network(config, len(data.labels))
        workers = join_workers(config.distribute)
        with tempfile.TemporaryDirectory() as folder:
            cache = FeatureCache(Path(folder))
            course = Course(config, network, train, validation, cache, workers, reporter)
            started = clock.now()
            trainer = Trainer(course, [], reporter)
            trainer.run()
            ours = clock.now() - started
    theirs, accuracies = _fit_with_keras(config, len(data.labels), train, validation)
    return HeadPhase(
        SecondsPair(ours, theirs),
        accuracy=max(epoch.val_accuracy for epoch in trainer.fitted.history),
        keras_accuracy=float(np.mean(accuracies[-5:])),
    )


def _fit_with_keras(
    config: TrainConfig, classes: int, train: Batches, validation: Batches
) -> tuple[float, list[float]]:
    """The seconds, and the validation accuracy of each epoch."""
    network = build_network(config, classes)
    network.base.trainable = False
    network.model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    inputs, held_out = (
        [np.concatenate(column) for column in zip(*batches, strict=True)] for batches in (train, validation)
    )
    started = clock.now()
    fitted = network.model.fit(
        *inputs,
        batch_size=config.batch_size,
        epochs=config.head_epochs,
        validation_data=tuple(held_out),
        verbose=0,
    )
    return clock.now() - started, fitted.history["val_accuracy"]


def _seconds(work: Callable[[], object]) -> float:
    started = clock.now()
    work()
    return clock.now() - started


def main(folder: str, weights: str, alpha: float) -> None:
    """Print two tables."""
    count = len(open_dataset(folder).samples)
    rows = []
    for side in (160, 224, 256):
        costs = measure_reading(folder, side)
        ours, theirs = (count / median(getattr(cost, name) for cost in costs) for name in ("ours", "keras"))
        ratio = sum(cost.keras for cost in costs) / sum(cost.ours for cost in costs)
        rows.append([str(side), f"{ours:.0f}", f"{theirs:.0f}", f"{ratio:.2f}"])
    print(markdown_table(("pixels", "images/s", "with Keras", "ratio"), rows), end="\n\n")  # noqa: T201
    rows = []
    for side in (160, 224):
        config = TrainConfig(
            data=folder,
            weights=weights,
            alpha=alpha,
            image_size=side,
            head_epochs=20,
            fine_tune_epochs=0,
            flip=RandomFlip.ON,
            batch_size=BATCH_SIZE,
        )
        head = measure_head_phase(config)
        rows.append(
            [
                f"alpha {alpha}, {side} px",
                f"{head.cost.ours:.1f}",
                f"{head.cost.keras:.1f}",
                f"{head.cost.ours / head.cost.keras:.3f}",
                f"{head.accuracy:.3f}",
                f"{head.keras_accuracy:.3f}",
            ]
        )
    columns = ("20 head epochs", "s", "model.fit s", "ratio", "accuracy", "model.fit accuracy")
    print(markdown_table(columns, rows))  # noqa: T201
    machine = describe_machine()
    print(f"\n{machine.processor}, {machine.cores} cores, {machine.system}.")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
