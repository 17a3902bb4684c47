"""A training from data to run: check → split → network → phases → evaluation → files."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_runtime import Dataset, GoldenSample, ModelCard, OutputError, Sample, clock
from edge_runtime.dataset import BUILTIN_NAMES, SPLITS, TEST, TRAIN, VALIDATION, format_split, open_dataset
from edge_runtime.files import make_folder, write_file
from trainer.augmentation import build_augmentation
from trainer.batch_norm import BatchNormStatistics
from trainer.batches import Batches, PictureLoader, make_batches
from trainer.builtin import fetch_builtin
from trainer.config import TrainConfig, check_split
from trainer.evaluation import measure, predict
from trainer.features import head_penalty, head_phase
from trainer.fitting import BestWeights, Epoch, Phase, fit_phase
from trainer.golden import make_golden_samples
from trainer.illustrations import illustrate
from trainer.judged import Judged
from trainer.network import ARCHITECTURE, Network, build_network, freeze
from trainer.progress import TrainingReporter
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


def train(config: TrainConfig, reporter: TrainingReporter) -> Training:
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
    folder = _make_run_folder(config)
    dataset, samples = _prepare_data(config, reporter)
    # The old model goes with the split it was made from: none of it may be taken for the new run's.
    for name in ("model.keras", "card.json"):
        (folder / name).unlink(missing_ok=True)
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
    split = TEST if TEST in scores else VALIDATION
    held_out = Judged(split, dataset.labels, batches[split], scores[split])
    card = _make_card(config, dataset, samples, metrics, make_golden_samples(network.model, held_out))
    illustrate(folder, config, history, batches[TRAIN], held_out)
    write_history(folder, history)
    write_metrics(folder, metrics)
    write_file(folder / "card.json", card.to_json())
    write_model(folder, network.model)
    return Training(folder, tuple(history), best, metrics)


def _make_run_folder(config: TrainConfig) -> Path:
    if (config.out / "model.keras").exists() and not config.overwrite:
        raise OutputError(
            f"{config.out} holds a run already: give another --out, or --overwrite to replace it"
        )
    return make_folder(config.out)


def _prepare_data(config: TrainConfig, reporter: TrainingReporter) -> tuple[Dataset, tuple[Sample, ...]]:
    if config.data in BUILTIN_NAMES:
        fetch_builtin(config.data)
    dataset = open_dataset(config.data)
    with reporter.bar("checking pictures") as tick:
        scan = scan_dataset(dataset, strict=config.strict, tick=tick)
    reporter.say_each("passed over", scan.unreadable)
    reporter.say_each("two labels", scan.contradictions)
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
    config: TrainConfig,
    network: Network,
    batches: dict[str, Batches],
    folder: Path,
    reporter: TrainingReporter,
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


def _repeatable(config: TrainConfig) -> TrainConfig:
    """The same options with paths that mean the same in any folder."""
    data = config.data if config.data in BUILTIN_NAMES else str(Path(config.data).resolve())
    weights = config.weights
    if weights not in ("imagenet", "none"):
        weights = str(Path(weights).resolve())
    return dataclasses.replace(config, data=data, weights=weights, out=config.out.resolve())
