"""Split by content: pictures with the same pixels never fall on different sides."""

import random
from collections import defaultdict
from dataclasses import replace

from edge_runtime import Sample
from edge_runtime.datasets.layouts import SPLITS, TEST, TRAIN, VALIDATION


def split_samples(
    samples: tuple[Sample, ...], *, validation: float, test: float, seed: int
) -> tuple[Sample, ...]:
    """Give every sample its split, class by class and seeded.

    Samples that already carry a split keep it; a picture of theirs that the training part also has is left
    out of the training part. The others are divided: into all three splits, or, when the data set brings a
    test part of its own, into training and validation.

    Args:
        samples: with hashes.
        validation: share of the pictures to divide.
        test: likewise.
        seed: the same seed gives the same split, whatever the order of the samples.

    Returns:
        The samples with their splits, in the order given.
    """
    held_out = {sample.hash for sample in samples if sample.split in (VALIDATION, TEST)}
    known = {sample.split for sample in samples}
    shares = {VALIDATION: validation, TEST: 0.0 if TEST in known else test}
    free = [sample for sample in samples if not sample.split and sample.hash not in held_out]
    assigned = _divide(free, shares, seed)
    return tuple(
        sample if sample.split else replace(sample, split=assigned[sample.hash])
        for sample in samples
        if sample.split in (VALIDATION, TEST) or sample.hash not in held_out
    )


def count_splits(samples: tuple[Sample, ...]) -> dict[str, int]:
    """How many pictures each split has."""
    return {split: sum(sample.split == split for sample in samples) for split in SPLITS}


def _divide(samples: list[Sample], shares: dict[str, float], seed: int) -> dict[str, str]:
    """Hash → split."""
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
        # One generator a class: adding pictures to one class leaves the others' split as it was.
        random.Random(f"{seed}:{label}").shuffle(hashes)  # noqa: S311 - a split, not a secret
        total = sum(copies[digest] for digest in hashes)
        wanted = {split: round(share * total) for split, share in shares.items()}
        for digest in hashes:
            split = next((name for name in shares if wanted[name] >= copies[digest]), TRAIN)
            assigned[digest] = split
            wanted[split] = wanted.get(split, 0) - copies[digest]
    return assigned
