"""Split images by content: images with the same pixels are always in the same split."""

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from edge_runtime.core import DatasetError
from edge_runtime.datasets import REJECTION, SPLITS, TEST, TRAIN, VALIDATION, Sample


def split_samples(
    samples: tuple[Sample, ...], *, validation: float, test: float, seed: int
) -> tuple[Sample, ...]:
    """Assign a split to every sample, class by class, with a random seed.

    Samples that already have a split keep it; a training sample with the same pixels as a held-out one is
    left out. The others are divided: into all three splits, or, when the data set has a test split of its
    own, into training and validation.

    Args:
        samples: with hashes.
        validation: fraction of the images for validation.
        test: fraction of the images for the test.
        seed: the same seed gives the same split, whatever the order of the samples.

    Returns:
        The samples with their splits, in the order given.
    """
    held_out = {sample.hash for sample in samples if sample.split in (VALIDATION, TEST)}
    known = {sample.split for sample in samples}
    fractions = {VALIDATION: validation, TEST: 0.0 if TEST in known else test}
    free = [sample for sample in samples if not sample.split and sample.hash not in held_out]
    assigned = _divide(free, fractions, seed)
    return tuple(
        sample if sample.split else replace(sample, split=assigned[sample.hash])
        for sample in samples
        if sample.split in (VALIDATION, TEST) or sample.hash not in held_out
    )


def set_aside(samples: tuple[Sample, ...], *, most: int, seed: int) -> tuple[Sample, ...]:
    """Move half of the validation images of each class to the rejection split, at most so many in all.

    The training images stay the same; the best epoch is chosen by the images that are left.

    Args:
        samples: with hashes and splits.
        most: images in the rejection split.
        seed: the same seed gives the same split, whatever the order of the samples.

    Returns:
        The samples with their splits, in the order given.
    """
    held_out = [sample for sample in samples if sample.split == VALIDATION]
    fraction = min(0.5, most / max(len(held_out), 1))
    assigned = _divide(held_out, {REJECTION: fraction}, seed, rest=VALIDATION)
    return tuple(
        replace(sample, split=assigned[sample.hash]) if sample.split == VALIDATION else sample
        for sample in samples
    )


def count_splits(samples: tuple[Sample, ...]) -> dict[str, int]:
    """How many images each split has."""
    return {split: sum(sample.split == split for sample in samples) for split in SPLITS}


def check_split(data: str, counts: Mapping[str, int]) -> None:
    """Refuse a split without training or validation images.

    Raises:
        DatasetError: with the numbers.
    """
    for split in (TRAIN, VALIDATION):
        if not counts.get(split):
            numbers = ", ".join(f"{count} {name}" for name, count in counts.items())
            raise DatasetError(
                f"{data}: no image left for {split} ({numbers}); add images, or hold out a smaller fraction"
            )


def _divide(
    samples: list[Sample], fractions: dict[str, float], seed: int, *, rest: str = TRAIN
) -> dict[str, str]:
    """Hash → split; what is in none of the fractions is the rest."""
    copies: dict[str, int] = defaultdict(int)
    label_of: dict[str, str] = {}
    for sample in samples:
        copies[sample.hash] += 1
        label_of.setdefault(sample.hash, sample.label)
    by_label: dict[str, list[str]] = defaultdict(list)
    for digest, label in sorted(label_of.items()):
        by_label[label].append(digest)
    assigned: dict[str, str] = {}
    for label, hashes in sorted(by_label.items()):
        # One generator for each class: adding images to one class does not change the split of the others.
        random.Random(f"{seed}:{label}").shuffle(hashes)  # noqa: S311 - a split, not a secret
        total = sum(copies[digest] for digest in hashes)
        wanted = {split: round(fraction * total) for split, fraction in fractions.items()}
        for digest in hashes:
            split = next((name for name in fractions if wanted[name] >= copies[digest]), rest)
            assigned[digest] = split
            wanted[split] = wanted.get(split, 0) - copies[digest]
    return assigned
