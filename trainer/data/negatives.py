"""Negatives: the user's own images of no class, from a folder of the data set's or another one."""

import dataclasses
import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import DatasetError, Reporter, Resize, Size
from edge_runtime.datasets import Dataset, Sample, make_unknowns, open_unlabelled, scan_dataset
from trainer.choices import Reject
from trainer.config import TrainConfig
from trainer.data.batches import Batch, Batches, ImageLoader, make_batches
from trainer.data.share import EVERYTHING, Share

SPLIT = "negative"
"""The split of negatives in a data fingerprint; they are not in `split.csv`."""

ONE_IS_FRESH = 5
"""One negative out of about so many is not trained on."""

NO_CLASS = -2
"""The target of a negative in a batch."""

IN_A_BATCH = 0.25
"""Negatives beside the images of a training batch, as a fraction of these."""


@dataclass(frozen=True)
class Negatives:
    """Images of no class.

    Attributes:
        dataset: reads them.
        samples: those that can be read, each with its hash.
    """

    dataset: Dataset
    samples: tuple[Sample, ...]

    @property
    def fresh(self) -> NDArray[np.bool_]:
        """Which samples are not trained on, bool, shape (samples,): about a fifth, by their pixels.

        What is done with negatives is judged by these. They stay the same where more images are added.
        """
        fresh = [int(sample.hash[:8], 16) % ONE_IS_FRESH == 0 for sample in self.samples]
        return np.array(fresh, np.bool_)

    @property
    def trained(self) -> "Negatives":
        """Those that are trained on."""
        samples = itertools.compress(self.samples, ~self.fresh)
        return dataclasses.replace(self, samples=tuple(samples))


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


def make_negative_batches(
    negatives: Sequence[Negatives],
    size: Size,
    resize: Resize,
    batch_size: int,
    share: Share = EVERYTHING,
) -> tuple[Batches, ...]:
    """The batches of each data set of negatives, or a worker's share of each batch.

    Args:
        negatives: the data sets.
        size: of the model's input.
        resize: how images are resized to it.
        batch_size: the last batch of a data set may be smaller.
        share: see `Batches`.
    """
    return tuple(
        make_batches(
            ImageLoader(each.dataset, size, resize), each.samples, each.dataset.labels, batch_size, share
        )
        for each in negatives
        if each.samples
    )


def add_negatives(batches: Iterable[Batch], negatives: Sequence[Batches], seed: int) -> Iterator[Batch]:
    """Batches of an epoch, each mixed with images of no class, whose target is `NO_CLASS`.

    These are a batch of negatives and one synthetic unknown of each kind, made from an image of the batch:
    from negatives alone a network learns only to tell these from its classes.

    Args:
        batches: of the classes.
        negatives: taken in an order determined by the seed, again and again; at least one.
        seed: of the epoch.
    """
    random = np.random.default_rng(seed)
    for (images, targets), others in zip(batches, _endless(negatives, seed), strict=False):
        made = make_unknowns(list(images[:1]), 1, int(random.integers(2**32))) if len(images) else {}
        added = [others, *(np.stack(each) for each in made.values())]
        no_class = np.full(sum(map(len, added)), NO_CLASS, targets.dtype)
        # Mixed: each of several devices takes a part of the batch, and normalizes it by its own statistics.
        order = random.permutation(len(targets) + len(no_class))
        yield np.concatenate([images, *added])[order], np.concatenate([targets, no_class])[order]


def negatives_in_a_batch(batch_size: int) -> int:
    """How many negatives are added to a full batch of the classes."""
    return math.ceil(batch_size * IN_A_BATCH)


def _endless(negatives: Sequence[Batches], seed: int) -> Iterator[NDArray[np.uint8]]:
    for passes in itertools.count():
        for batches in negatives:
            for images, _targets in batches.shuffled(seed + passes):
                yield images
