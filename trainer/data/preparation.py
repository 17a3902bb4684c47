"""Prepare the data: download, check and split it, without TensorFlow."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from edge_runtime.core import Reporter
from edge_runtime.datasets import (
    BUILTIN_NAMES,
    TRAIN,
    Dataset,
    Sample,
    fingerprint,
    open_dataset,
    scan_dataset,
)
from trainer.config import ClassWeights, TrainConfig
from trainer.data.builtin_datasets import fetch_builtin
from trainer.data.splitting import check_split, count_splits, split_samples

MAX_IMBALANCE = 3.0
"""Ratio of the largest to the smallest class above which class weights are suggested."""


@dataclass(frozen=True)
class Data:
    """The readable images, each with its split and hash.

    Attributes:
        dataset: reads the images.
        samples: all of them.
        skipped: a line for each file that cannot be read, and for each image with two labels.
    """

    dataset: Dataset
    samples: tuple[Sample, ...]
    skipped: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes."""
        return self.dataset.labels

    @property
    def fingerprint(self) -> str:
        """A hash over the pixels, label and split of every image."""
        return fingerprint(self.samples)

    def split(self, name: str) -> tuple[Sample, ...]:
        """The samples of one split."""
        return tuple(sample for sample in self.samples if sample.split == name)


def prepare_data(config: TrainConfig, reporter: Reporter) -> Data:
    """Download, check and split the data.

    Raises:
        DatasetError: it cannot be used.
    """
    dataset = open_data(config.data)
    with reporter.bar("checking images") as tick:
        scan = scan_dataset(dataset, strict=config.strict, tick=tick)
    reporter.say_each("skipped", scan.unreadable)
    reporter.say_each("two labels", scan.contradictions)
    samples = split_samples(
        scan.samples, validation=config.validation_split, test=config.test_split, seed=config.seed
    )
    counts = count_splits(samples)
    check_split(config.data, counts)
    numbers = ", ".join(f"{count} {split}" for split, count in counts.items())
    reporter.say(f"{len(dataset.labels)} classes, {len(samples)} images: {numbers}")
    data = Data(dataset, samples, scan.unreadable + scan.contradictions)
    if config.class_weights is ClassWeights.NONE:
        _report_imbalance(data.split(TRAIN), reporter)
    return data


def open_data(data: str) -> Dataset:
    """Open a data set; a built-in one is downloaded first.

    Raises:
        DatasetError: it cannot be used.
    """
    if data in BUILTIN_NAMES:
        fetch_builtin(data)
    return open_dataset(data)


def _report_imbalance(samples: Sequence[Sample], reporter: Reporter) -> None:
    counts = Counter(sample.label for sample in samples).most_common()
    (frequent, most), (rare, least) = counts[0], counts[-1]
    if most > MAX_IMBALANCE * least:
        reporter.say(
            f"imbalanced classes: {most} training images of {frequent!r}, {least} of {rare!r}; "
            "consider --class-weights balanced"
        )
