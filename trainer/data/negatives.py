"""Negatives: the user's own images of no class, from a folder of the data set's or another one."""

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass

from edge_runtime.core import DatasetError, Reporter
from edge_runtime.datasets import Dataset, Sample, open_unlabelled, scan_dataset
from trainer.choices import Reject
from trainer.config import TrainConfig

SPLIT = "negative"
"""The split of negatives in a data fingerprint; they are not in `split.csv`."""


@dataclass(frozen=True)
class Negatives:
    """Images of no class.

    Attributes:
        dataset: reads them.
        samples: those that can be read, each with its hash.
    """

    dataset: Dataset
    samples: tuple[Sample, ...]


def separate_negatives(dataset: Dataset, config: TrainConfig) -> tuple[Dataset, list[Dataset]]:
    """Take the negatives out of a data set, and open the folder of `--negatives`.

    Args:
        dataset: the whole data set; its class folder called `--unknown-label` contains negatives.
        config: the options.

    Returns:
        The data set of the classes, and the data sets of negatives.

    Raises:
        DatasetError: fewer than two classes are left, or there are no images in the folder.
    """
    label = config.unknown_label
    found: list[Dataset] = []
    if config.reject is Reject.OFF:
        return dataset, found
    if label in dataset.labels:
        own = tuple(sample for sample in dataset.samples if sample.label == label)
        found.append(dataclasses.replace(dataset, labels=(label,), samples=own, unsupported=()))
        labels = tuple(each for each in dataset.labels if each != label)
        others = tuple(sample for sample in dataset.samples if sample.label != label)
        dataset = dataclasses.replace(dataset, labels=labels, samples=others)
        if len(labels) < 2:
            raise DatasetError(
                f"{dataset.root}: expected two or more class folders beside {label!r}, whose images are of "
                f"no class; found {len(labels)}"
            )
    if config.negatives is not None:
        found.append(open_unlabelled(config.negatives, label))
    return dataset, found


def scan_negatives(
    datasets: Collection[Dataset], known: Collection[Sample], reporter: Reporter, *, strict: bool
) -> tuple[Negatives, ...]:
    """Read every negative once; those that cannot be read, and those that are in a class too, are left out.

    Args:
        datasets: of negatives.
        known: the images of the classes, with their hashes.
        reporter: shows the progress, and what is left out.
        strict: refuse unreadable images.

    Raises:
        DatasetError: an image is unreadable and `strict`, or none is readable.
    """
    classes = {sample.hash: sample for sample in known}
    negatives: list[Negatives] = []
    for dataset in datasets:
        with reporter.bar("checking negatives") as tick:
            scan = scan_dataset(dataset, strict=strict, tick=tick)
        reporter.say_each("skipped", scan.unreadable)
        both = [sample for sample in scan.samples if sample.hash in classes]
        reporter.say_each(
            "skipped",
            [f"{each.file} (negative) has the same pixels as {classes[each.hash].file}" for each in both],
        )
        kept = tuple(sample for sample in scan.samples if sample.hash not in classes)
        if kept:
            negatives.append(Negatives(dataset, kept))
    return tuple(negatives)
