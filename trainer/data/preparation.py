"""Prepare the data: download, check and split it, without TensorFlow."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from edge_runtime.core import DatasetError, Reporter
from edge_runtime.datasets import (
    BUILTIN_NAMES,
    REJECTION,
    TRAIN,
    VALIDATION,
    Dataset,
    Look,
    Sample,
    fingerprint,
    open_dataset,
    scan_dataset,
)
from trainer.choices import ClassWeights, CrossValidate, Reject
from trainer.config import BURST, TrainConfig
from trainer.data.builtin_datasets import fetch_builtin
from trainer.data.folds import fewest_groups
from trainer.data.grouping import group_samples
from trainer.data.negatives import SPLIT as NEGATIVE
from trainer.data.negatives import Negatives, scan_negatives, separate_negatives
from trainer.data.quality import find_flaws
from trainer.data.splitting import (
    check_split,
    count_splits,
    group_numbers,
    set_aside,
    split_samples,
    train_on_validation,
)

MIN_REJECTION = 30
"""Held-out images from which a rejection is fitted by default.

The fraction of new images that is kept varies by chance. Where 0.95 is aimed at, it is 0.85 to 1.00 in 95 of
100 trainings with 30 images, 0.90 to 0.98 with 100, 0.936 to 0.963 with 1,000 (order statistics follow a beta
distribution).
"""

MAX_REJECTION = 1000
"""Held-out images that a rejection is fitted on: more would hardly make its threshold more precise."""

MAX_IMBALANCE = 3.0
"""Ratio of the largest to the smallest class above which class weights are suggested."""


@dataclass(frozen=True)
class Data:
    """The readable images, each with its split and hash.

    Attributes:
        dataset: reads the images.
        samples: all of them.
        skipped: a line for each file that cannot be read, and for each image with two labels.
        negatives: images of no class.
    """

    dataset: Dataset
    samples: tuple[Sample, ...]
    skipped: tuple[str, ...]
    negatives: tuple[Negatives, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes."""
        return self.dataset.labels

    @property
    def fingerprint(self) -> str:
        """A hash over the pixels, label and split of every image, negatives included."""
        negatives = [replace(sample, split=NEGATIVE) for each in self.negatives for sample in each.samples]
        return fingerprint([*self.samples, *negatives])

    @property
    def is_cross_validated(self) -> bool:
        """Whether no image is held out to choose by: all but those of the test are trained on."""
        return not self.split(VALIDATION)

    @property
    def has_rejection(self) -> bool:
        """Whether images are set aside to fit a rejection on."""
        return bool(self.split(REJECTION))

    def split(self, name: str) -> tuple[Sample, ...]:
        """The samples of one split."""
        return tuple(sample for sample in self.samples if sample.split == name)


def prepare_data(
    config: TrainConfig, reporter: Reporter, kept: Mapping[str, str] = MappingProxyType({})
) -> Data:
    """Download, check, group and split the data.

    Args:
        config: the options.
        reporter: shows the progress.
        kept: hash → split of the images of an earlier run, which stay in their splits.

    Raises:
        DatasetError: it cannot be used.
    """
    dataset, negative_datasets = separate_negatives(open_data(config.data), config)
    with reporter.bar("checking images") as tick:
        scan = scan_dataset(dataset, strict=config.strict, looks=config.group_by == BURST, tick=tick)
    reporter.say_each("skipped", scan.unreadable)
    reporter.say_each("two labels", scan.contradictions)
    _report_flaws(scan.looks, config.data, reporter)
    grouped = group_samples(dataset, scan.samples, scan.looks, config.group_by, reporter)
    samples = split_samples(
        grouped, validation=config.validation_split, test=config.test_split, seed=config.seed, kept=kept
    )
    if _is_cross_validated(config, dataset, samples, with_negatives=bool(negative_datasets)):
        samples = train_on_validation(samples)
        reporter.say(
            "few images: all are trained on, and cross-validation chooses how (--cross-validate off holds "
            f"{config.validation_split:.0%} out instead); no output for images of no class"
        )
    else:
        check_split(config.data, count_splits(samples))
        _report_left_out(grouped, samples, reporter)
        samples = _set_aside_for_rejection(samples, config, kept, reporter)
    counts = count_splits(samples)
    numbers = ", ".join(f"{count} {split}" for split, count in counts.items() if count)
    reporter.say(f"{len(dataset.labels)} classes, {len(samples)} images: {numbers}")
    negatives = scan_negatives(negative_datasets, samples, reporter, strict=config.strict)
    data = Data(dataset, samples, scan.unreadable + scan.contradictions, negatives)
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


def _is_cross_validated(
    config: TrainConfig, dataset: Dataset, samples: tuple[Sample, ...], *, with_negatives: bool
) -> bool:
    """Whether validation images are trained on, too.

    Raises:
        DatasetError: it is wanted and not possible with these images.
    """
    wanted, validation = config.cross_validate, [each for each in samples if each.split == VALIDATION]
    if wanted is CrossValidate.OFF:
        return False
    train = [sample for sample in samples if sample.split in (TRAIN, VALIDATION)]
    index = {label: number for number, label in enumerate(dataset.labels)}
    targets = np.array([index[sample.label] for sample in train], np.int64)
    reasons = {
        "the data has validation images of its own": any(s.split == VALIDATION for s in dataset.samples),
        "images of no class are told apart by held-out images": with_negatives,
        "a class has a single image, or images of a single burst (--group-by)": (
            fewest_groups(targets, group_numbers(train)) < 2
        ),
    }
    against = next((reason for reason, holds in reasons.items() if holds), "")
    if wanted is CrossValidate.ON and against:
        raise DatasetError(f"{config.data}: --cross-validate on is not possible: {against}")
    few = len(validation) < 2 * MIN_REJECTION and not config.against_cross_validation
    return not against and (few or wanted is CrossValidate.ON)


def _set_aside_for_rejection(
    samples: tuple[Sample, ...], config: TrainConfig, kept: Mapping[str, str], reporter: Reporter
) -> tuple[Sample, ...]:
    """Set images aside to fit the rejection on, if it is wanted and there are enough.

    Raises:
        DatasetError: it is wanted, and there are too few.
    """
    if config.reject is Reject.OFF:
        return samples
    divided = set_aside(samples, most=MAX_REJECTION, seed=config.seed, kept=kept)
    found = count_splits(divided)[REJECTION]
    # With fewer no threshold has an expected fraction of `keep` above it.
    least = math.ceil(round(1 / (1 - config.keep), 6)) - 1
    if config.reject is Reject.ON and found < least:
        raise DatasetError(
            f"{config.data}: --reject on with --keep {config.keep:g} needs {least} images besides those that "
            f"the best epoch is chosen by, there are {found}; hold out more with --validation-split"
        )
    if config.reject is Reject.AUTO and found < max(MIN_REJECTION, least):
        reporter.say(
            f"no output for images of no class: it is fitted on half of the validation images, {found}, and "
            f"needs {max(MIN_REJECTION, least)}; hold out more with --validation-split"
        )
        return samples
    return divided


def _report_flaws(looks: Sequence[Look], data: str, reporter: Reporter) -> None:
    """Say what an examination of the data would complain about, as far as the check sees it."""
    counts = Counter(flaw for flaw in find_flaws(looks) if flaw)
    if counts:
        found = ", ".join(f"{count} {flaw}" for flaw, count in sorted(counts.items()))
        reporter.say(f"images that may do harm: {found}; edge-data {data} shows them")


def _report_left_out(grouped: Sequence[Sample], samples: Sequence[Sample], reporter: Reporter) -> None:
    """Say what the groups cost: training images of held-out groups, and classes that are one group."""
    if len(samples) < len(grouped):
        reporter.say(
            f"{len(grouped) - len(samples)} training images left out: they are held-out images too, or of a "
            "group with one (--group-by)"
        )
    validated = {sample.label for sample in samples if sample.split == VALIDATION}
    for label in sorted({sample.label for sample in samples} - validated):
        reporter.say(
            f"no validation image of {label!r}: add images of other scenes, or keep no groups together with "
            "--group-by none"
        )


def _report_imbalance(samples: Sequence[Sample], reporter: Reporter) -> None:
    counts = Counter(sample.label for sample in samples).most_common()
    (frequent, most), (rare, least) = counts[0], counts[-1]
    if most > MAX_IMBALANCE * least:
        reporter.say(
            f"imbalanced classes: {most} training images of {frequent!r}, {least} of {rare!r}; "
            "consider --class-weights balanced"
        )
