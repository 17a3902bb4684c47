"""A training from data to run: check → split → network → phases → evaluation → files."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime import Dataset, GoldenSample, ModelCard, Sample, clock, decode_image, encode_png, fit
from edge_runtime.dataset import BUILTIN_NAMES, SPLITS, TEST, TRAIN, VALIDATION, format_split, open_dataset
from edge_runtime.files import make_folder, write_file
from trainer.augmentation import build_augmentation
from trainer.batch_norm import BatchNormStatistics
from trainer.batches import Batches, PictureLoader, make_batches
from trainer.builtin import fetch_builtin
from trainer.config import TrainConfig, check_split
from trainer.evaluation import measure, predict, score_one, surest_mistakes, surest_of_each_class
from trainer.features import head_penalty, head_phase
from trainer.fitting import BestWeights, Epoch, Phase, fit_phase
from trainer.network import ARCHITECTURE, Network, build_network, freeze
from trainer.pictures import describe_mistake, draw_confusion, draw_curves, draw_grid
from trainer.progress import Reporter
from trainer.run import (
    fingerprint,
    library_versions,
    write_checkpoint,
    write_history,
    write_metrics,
    write_model,
)
from trainer.scan import scan_dataset
from trainer.splitting import count_splits, split_samples

GOLDEN_COUNT = 4
GOLDEN_SIDE = 96


@dataclass(frozen=True)
class Training:
    """What a training ends with.

    Attributes:
        folder: the run.
        history: every epoch of every phase.
        best: the epoch whose weights were kept.
        metrics: per split: accuracy, loss, count.
    """

    folder: Path
    history: tuple[Epoch, ...]
    best: Epoch
    metrics: dict[str, dict[str, float]]


def train(config: TrainConfig, reporter: Reporter) -> Training:
    """Train a classifier and write its run.

    Args:
        config: the options.
        reporter: is told of the progress.

    Raises:
        DatasetError: the data cannot be used.
        ModelError: the pretrained weights cannot be had.
        OutputError: the run cannot be written.
        DivergedError: the loss is no longer a number; the best epoch before is in `checkpoints/`.
    """
    folder = make_folder(config.out)
    dataset, samples = _prepare_data(config, reporter)
    # The old model goes with the split it was made from: none of it may be taken for the new run's.
    (folder / "model.keras").unlink(missing_ok=True)
    write_file(folder / "config.toml", _repeatable(config).to_toml())
    write_file(folder / "split.csv", format_split(samples))
    _prepare_tensorflow(config)
    loader = PictureLoader(dataset, (config.image_size, config.image_size), config.resize)
    batches = {
        split: make_batches(
            loader, [sample for sample in samples if sample.split == split], dataset.labels, config.batch_size
        )
        for split in SPLITS
    }
    network = build_network(config, len(dataset.labels))
    history, best = _fit(config, network, batches, folder, reporter)
    reporter.say("evaluating")
    scores = {split: predict(network.model, each) for split, each in batches.items() if len(each)}
    metrics = {split: measure(scores[split], batches[split].targets) for split in scores}
    card = _make_card(config, dataset, samples, metrics, _golden_samples(network, batches, scores))
    _draw(folder, config, history, dataset.labels, batches, scores)
    write_history(folder, history)
    write_metrics(folder, metrics)
    write_file(folder / "card.json", card.to_json())
    write_model(folder, network.model)
    return Training(folder, tuple(history), best, metrics)


def _prepare_data(config: TrainConfig, reporter: Reporter) -> tuple[Dataset, tuple[Sample, ...]]:
    if config.data in BUILTIN_NAMES:
        fetch_builtin(config.data)
    dataset = open_dataset(config.data)
    with reporter.bar("checking pictures") as tick:
        scan = scan_dataset(dataset, strict=config.strict, tick=tick)
    for problem in scan.problems:
        reporter.say(f"passed over: {problem}")
    samples = split_samples(
        scan.samples, validation=config.validation_split, test=config.test_split, seed=config.seed
    )
    counts = count_splits(samples)
    check_split(config.data, counts)
    numbers = ", ".join(f"{count} {split}" for split, count in counts.items())
    reporter.say(f"{len(dataset.labels)} classes, {len(samples)} pictures: {numbers}")
    return dataset, samples


def _prepare_tensorflow(config: TrainConfig) -> None:
    import keras
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    keras.utils.set_random_seed(config.seed)


def _fit(
    config: TrainConfig, network: Network, batches: dict[str, Batches], folder: Path, reporter: Reporter
) -> tuple[list[Epoch], Epoch]:
    best = BestWeights(network.model)
    history: list[Epoch] = []
    for build in _phases(config, network, batches):
        # A phase is built when the one before it is over: it starts from the best weights so far.
        best.restore()
        for epoch in fit_phase(build(), len(history) + 1, reporter):
            history.append(epoch)
            if best.consider(epoch):
                write_checkpoint(folder, network.model)
            write_history(folder, history)
    best.restore()
    assert best.epoch is not None  # noqa: S101 - every configuration has an epoch
    return history, best.epoch


def _phases(
    config: TrainConfig, network: Network, batches: dict[str, Batches]
) -> Iterator[Callable[[], Phase]]:
    if config.from_scratch:
        yield lambda: _whole_phase(
            config, network, batches, "scratch", config.scratch_epochs, config.scratch_rate, first_layer=0
        )
        return
    if config.head_epochs:
        yield lambda: head_phase(config, network, batches[TRAIN], batches[VALIDATION])
    if config.fine_tune_epochs:
        yield lambda: _whole_phase(
            config,
            network,
            batches,
            "fine-tune",
            config.fine_tune_epochs,
            config.fine_tune_rate,
            first_layer=config.fine_tune_at,
        )


def _whole_phase(
    config: TrainConfig,
    network: Network,
    batches: dict[str, Batches],
    name: str,
    epochs: int,
    rate: float,
    *,
    first_layer: int,
) -> Phase:
    freeze(network, fine_tune_at=first_layer, train_batch_norm=config.trains_batch_norm)
    statistics = BatchNormStatistics(network.model, network.base)
    train = batches[TRAIN]

    def measure_statistics() -> None:
        statistics.measure(pixels.astype(np.float32) for pixels, _targets in train.shuffled(config.seed))

    return Phase(
        name=name,
        model=network.model,
        batches=lambda epoch: train.shuffled(config.seed + epoch),
        steps=len(train),
        validation=batches[VALIDATION],
        epochs=epochs,
        rate=rate,
        weight_decay=config.weight_decay,
        augment=build_augmentation(config),
        penalty=head_penalty(config, network, len(train.samples)),
        before_validation=measure_statistics,
    )


def _golden_samples(
    network: Network, batches: dict[str, Batches], scores: dict[str, NDArray[np.float32]]
) -> tuple[GoldenSample, ...]:
    """Small pictures of different classes, with what this model says of them as they are after shrinking."""
    split = TEST if TEST in scores else VALIDATION
    held_out = batches[split]
    samples = []
    for position in surest_of_each_class(scores[split], held_out.targets, GOLDEN_COUNT):
        picture = held_out.loader.load(held_out.samples[position])
        side = min(GOLDEN_SIDE, *picture.shape[:2])
        png = encode_png(fit(picture, (side, side)))
        seen = fit(decode_image(png), (picture.shape[0], picture.shape[1]))
        scored = score_one(network.model, seen)
        samples.append(GoldenSample(png, tuple(round(float(score), 6) for score in scored)))
    return tuple(samples)


def _make_card(
    config: TrainConfig,
    dataset: Dataset,
    samples: tuple[Sample, ...],
    metrics: dict[str, dict[str, float]],
    golden: tuple[GoldenSample, ...],
) -> ModelCard:
    return ModelCard(
        labels=dataset.labels,
        image_size=(config.image_size, config.image_size),
        resize=config.resize,
        architecture=ARCHITECTURE,
        alpha=config.alpha,
        seed=config.seed,
        data_fingerprint=fingerprint(samples),
        metrics=metrics,
        versions=library_versions(),
        created=clock.timestamp(),
        golden=golden,
    )


def _draw(
    folder: Path,
    config: TrainConfig,
    history: list[Epoch],
    labels: tuple[str, ...],
    batches: dict[str, Batches],
    scores: dict[str, NDArray[np.float32]],
) -> None:
    from sklearn.metrics import confusion_matrix

    split = TEST if TEST in scores else VALIDATION
    targets, found = batches[split].targets, scores[split]
    matrix = confusion_matrix(targets, found.argmax(axis=1), labels=range(len(labels)))
    write_file(folder / "curves.png", draw_curves(history))
    write_file(
        folder / "confusion_matrix.png", draw_confusion(matrix, labels, f"{split}: {len(targets)} pictures")
    )
    wrong = surest_mistakes(found, targets, 9)
    write_file(
        folder / "mistakes.png",
        draw_grid(
            [batches[split].loader.load(batches[split].samples[position]) for position in wrong],
            [describe_mistake(labels, found, targets, position) for position in wrong],
            3,
            f"The surest mistakes on {split}" if wrong else f"No mistakes on {split}",
        ),
    )
    write_file(folder / "augmentation.png", _augmented_examples(config, batches[TRAIN]))


def _augmented_examples(config: TrainConfig, train: Batches) -> bytes:
    augment = build_augmentation(config)
    first = train.loader.load(train.samples[0])
    nine: Any = np.repeat(first[np.newaxis].astype(np.float32), 9, axis=0)
    if augment is not None:
        nine = augment(nine).numpy()
    images = list(np.clip(np.rint(nine), 0, 255).astype(np.uint8))
    return draw_grid(images, [""] * 9, 3, f"Nine augmented versions of {train.samples[0].file}")


def _repeatable(config: TrainConfig) -> TrainConfig:
    """The same options with paths that mean the same in any folder."""
    data = config.data if config.data in BUILTIN_NAMES else str(Path(config.data).resolve())
    weights = config.weights
    if weights not in ("imagenet", "none"):
        weights = str(Path(weights).resolve())
    return dataclasses.replace(config, data=data, weights=weights, out=config.out.resolve())
