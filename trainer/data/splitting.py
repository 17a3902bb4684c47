"""Split images: those with the same pixels, and those of one group, are always in the same split."""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import DatasetError
from edge_runtime.datasets import REJECTION, SPLITS, TEST, TRAIN, VALIDATION, Sample
from trainer.data.disjoint_sets import DisjointSets


def split_samples(
    samples: tuple[Sample, ...],
    *,
    validation: float,
    test: float,
    seed: int,
    kept: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Sample, ...]:
    """Assign a split to every sample, class by class, with a random seed.

    Samples that already have a split keep it; a training sample with the same pixels as a held-out one, or
    of a group with one, is left out. Samples of an earlier run keep the split they had there, and new samples
    of their groups join them. The others are divided: into all three splits, or, when the data set has a test
    split of its own, into training and validation.

    Args:
        samples: with hashes, and with groups where there are any.
        validation: fraction of the images for validation.
        test: fraction of the images for the test.
        seed: the same seed gives the same split, whatever the order of the samples.
        kept: hash → split of the images of an earlier run.

    Returns:
        The samples with their splits, in the order given.
    """
    units = _units(samples)
    known = {sample.split for sample in samples}
    held_out = {
        unit for unit, sample in zip(units, samples, strict=True) if sample.split in (VALIDATION, TEST)
    }
    # Which validation images are set aside is decided later.
    kept = {digest: VALIDATION if split == REJECTION else split for digest, split in kept.items()}
    earlier = _splits_of_earlier(samples, units, kept)
    free = [
        (unit, sample)
        for unit, sample in zip(units, samples, strict=True)
        if not sample.split and unit not in held_out and unit not in earlier
    ]
    fractions = {VALIDATION: validation, TEST: 0.0 if TEST in known else test}
    assigned = earlier | _divide(free, fractions, seed)
    return tuple(
        replace(sample, split=sample.split or kept.get(sample.hash) or assigned[unit])
        for unit, sample in zip(units, samples, strict=True)
        if sample.split in (VALIDATION, TEST) or unit not in held_out
    )


def set_aside(
    samples: tuple[Sample, ...], *, most: int, seed: int, kept: Mapping[str, str] = MappingProxyType({})
) -> tuple[Sample, ...]:
    """Move half of the validation images of each class to the rejection split, at most so many in all.

    The training images stay the same; the best epoch is chosen by the images that are left.

    Args:
        samples: with hashes and splits.
        most: images in the rejection split.
        seed: the same seed gives the same split, whatever the order of the samples.
        kept: hash → split of the images of an earlier run: they stay where they are, if it had a rejection.

    Returns:
        The samples with their splits, in the order given.
    """
    units = _units(samples)
    earlier = _splits_of_earlier(samples, units, kept) if REJECTION in kept.values() else {}
    held_out = [
        (unit, sample)
        for unit, sample in zip(units, samples, strict=True)
        if sample.split == VALIDATION and unit not in earlier
    ]
    left = max(most - sum(earlier.get(unit) == REJECTION for unit in units), 0)
    fraction = min(0.5, left / max(len(held_out), 1))
    assigned = earlier | _divide(held_out, {REJECTION: fraction}, seed, rest=VALIDATION)
    return tuple(
        replace(sample, split=REJECTION)
        if sample.split == VALIDATION and assigned.get(unit) == REJECTION
        else sample
        for unit, sample in zip(units, samples, strict=True)
    )


def train_on_validation(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
    """Move all validation images to the training split."""
    return tuple(replace(sample, split=TRAIN) if sample.split == VALIDATION else sample for sample in samples)


def group_numbers(samples: Sequence[Sample]) -> NDArray[np.int64]:
    """A number for each sample; samples that must share a split have the same, shape (samples,)."""
    _names, numbers = np.unique(_units(samples), return_inverse=True)
    return numbers.astype(np.int64)


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


def _units(samples: Sequence[Sample]) -> list[str]:
    """The name of what each sample must share a split with: equal pixels, and all of its group."""
    sets: DisjointSets[tuple[str, str]] = DisjointSets()
    names: dict[tuple[str, str], str] = {}
    for sample in samples:
        sets.join((sample.hash, ""), ("", sample.group) if sample.group else (sample.hash, ""))
    for sample in samples:
        # Whatever the order of the samples, the unit has the same name.
        root = sets.root((sample.hash, ""))
        names[root] = min(names.get(root, sample.hash), sample.hash)
    return [names[sets.root((sample.hash, ""))] for sample in samples]


def _splits_of_earlier(
    samples: Sequence[Sample], units: Sequence[str], kept: Mapping[str, str]
) -> dict[str, str]:
    """Unit → split, for units with an image of an earlier run; held out where one of them was."""
    found: dict[str, str] = {}
    for unit, sample in zip(units, samples, strict=True):
        split = kept.get(sample.hash)
        if split and found.get(unit, TRAIN) == TRAIN:
            found[unit] = split
    return found


def _divide(
    samples: Sequence[tuple[str, Sample]], fractions: dict[str, float], seed: int, *, rest: str = TRAIN
) -> dict[str, str]:
    """Unit → split; what is in none of the fractions is the rest."""
    copies = Counter(unit for unit, _sample in samples)
    label_of: dict[str, str] = {}
    for unit, sample in samples:
        # With several labels the first by name, whatever the order of the samples.
        label_of[unit] = min(label_of.get(unit, sample.label), sample.label)
    by_label: dict[str, list[str]] = defaultdict(list)
    for unit, label in sorted(label_of.items()):
        by_label[label].append(unit)
    assigned: dict[str, str] = {}
    for label, units in sorted(by_label.items()):
        # One generator for each class: adding images to one class does not change the split of the others.
        random.Random(f"{seed}:{label}").shuffle(units)  # noqa: S311 - a split, not a secret
        total = sum(copies[unit] for unit in units)
        wanted = {split: round(fraction * total) for split, fraction in fractions.items()}
        for unit in units:
            split = next((name for name in fractions if wanted[name] >= copies[unit]), rest)
            assigned[unit] = split
            wanted[split] = wanted.get(split, 0) - copies[unit]
    return assigned
