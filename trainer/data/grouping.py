"""Group images that must be in the same split: bursts, folders, or what a regular expression finds."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from edge_runtime.core import Reporter, UsageError
from edge_runtime.datasets import Dataset, Look, Sample
from trainer.config import BURST, FOLDER, NO_GROUPS
from trainer.data.near_duplicates import find_near_duplicates, near_duplicate_reader


def group_samples(
    dataset: Dataset, samples: Sequence[Sample], looks: Sequence[Look], group_by: str, reporter: Reporter
) -> tuple[Sample, ...]:
    """Give every image its group; images of one group are always in the same split.

    Args:
        dataset: reads the images.
        samples: with hashes.
        looks: of each.
        group_by: `burst`, `folder`, `none`, or a regular expression; see `TrainConfig.group_by`.
        reporter: shows the progress.

    Returns:
        The samples with their groups, in the order given.

    Raises:
        UsageError: the regular expression matches no file.
    """
    if group_by == NO_GROUPS:
        return tuple(samples)
    if group_by == BURST:
        return _by_burst(dataset, samples, looks, reporter)
    names = _folders(samples) if group_by == FOLDER else _matches(samples, group_by)
    return tuple(replace(sample, group=name) for sample, name in zip(samples, names, strict=True))


def _by_burst(
    dataset: Dataset, samples: Sequence[Sample], looks: Sequence[Look], reporter: Reporter
) -> tuple[Sample, ...]:
    hashes = [look.perceptual_hash for look in looks]
    grouped = list(samples)
    with reporter.bar("finding bursts") as tick:
        sets = find_near_duplicates(hashes, near_duplicate_reader(dataset, samples), tick)
    for members in sets:
        # Whatever the order of the files, the group has the same name.
        name = min(samples[each].hash for each in members)
        for each in members:
            grouped[each] = replace(samples[each], group=name)
    inside = sum(map(len, sets))
    if inside:
        reporter.say(f"{inside} images are in {len(sets)} bursts, each of them in one split (--group-by)")
    return tuple(grouped)


def _folders(samples: Sequence[Sample]) -> list[str]:
    """The folder of each image inside of its class folder; empty where it is in the class folder itself."""
    parents = [PurePosixPath(sample.file).parent for sample in samples]
    return [
        "" if parent.name == sample.label else str(parent)
        for sample, parent in zip(samples, parents, strict=True)
    ]


def _matches(samples: Sequence[Sample], expression: str) -> list[str]:
    """What the expression finds in each file name: its groups, or all of it where it has none.

    Raises:
        UsageError: it matches no file.
    """
    pattern = re.compile(expression)
    found = [pattern.search(sample.file) for sample in samples]
    if not any(found):
        raise UsageError(
            f"--group-by takes burst, folder, none or a regular expression; {expression!r} matches no file, "
            f"such as {samples[0].file!r}"
        )
    return ["/".join(each.groups("") or (each[0],)) if each else "" for each in found]
