"""One examination: check → duplicates → descriptors → labels, outliers, learning curve → verdicts."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import DatasetError, Reporter, clock, toolkit_versions
from edge_runtime.datasets import Dataset, Look, Run, Sample, read_run, scan_dataset
from trainer.config import TrainConfig
from trainer.data import (
    FOLDS,
    MAX_IMBALANCE,
    Flaw,
    ImageLoader,
    find_flaws,
    find_near_duplicates,
    make_batches,
    make_folds,
    near_duplicate_reader,
    open_data,
)
from trainer.examination.config import ExamineConfig
from trainer.examination.labels import find_label_issues, reduce_descriptors, score_out_of_fold
from trainer.examination.learning_curve import LearningCurve, measure_curve
from trainer.examination.outliers import find_outliers
from trainer.examination.types import (
    Check,
    ClassReport,
    CurvePoint,
    DuplicateSet,
    Examination,
    Suspect,
)
from trainer.network import Network, build_network, extract_descriptors, load_trained

FEW_IMAGES = 20
"""Images of a class below which more of them are the first thing to do."""

WORTH_IT = 0.02
"""Expected rise of the recall for which twice the images are worth it."""

_BATCH = 64
_FLAW_TEXT: Mapping[Flaw, str] = {
    Flaw.SMALL: "much smaller than most images",
    Flaw.DARK: "much darker than most images",
    Flaw.BLURRED: "much less sharp than most images",
}


@dataclass(frozen=True, eq=False)
class _Checked:
    """The readable images, the sets of near-duplicates, and the set of each image (or its own number)."""

    samples: tuple[Sample, ...]
    looks: tuple[Look, ...]
    unreadable: tuple[str, ...]
    sets: tuple[tuple[int, ...], ...]
    groups: NDArray[np.int64]


def examine(config: ExamineConfig, reporter: Reporter) -> tuple[Examination, Dataset]:
    """Examine a data set.

    Args:
        config: the options.
        reporter: shows the progress.

    Returns:
        What was found, and the data set.

    Raises:
        DatasetError: the data cannot be used.
        ModelError: the run or the weights cannot be used.
    """
    started = clock.now()
    run = read_run(config.run) if config.run else None
    dataset = _without_unknown(open_data(config.data), config.unknown_label)
    checked = _check(dataset, reporter)
    splits = {sample.hash: sample.split for sample in run.samples} if run else {}
    duplicates = _describe_sets(checked, splits)
    examined = _Examined(config, dataset, checked, run, reporter)
    suspects = [*examined.label_suspects(), *_duplicate_suspects(duplicates), *examined.outlier_suspects()]
    suspects += _flawed(checked)
    classes = examined.class_reports()
    examination = Examination(
        data=str(Path(config.data).resolve()) if Path(config.data).exists() else config.data,
        images=len(checked.samples),
        features=examined.features_of,
        accuracy=examined.accuracy,
        verdicts=tuple(_verdicts(checked, duplicates, suspects, classes, run)),
        classes=classes,
        suspects=tuple(suspects),
        duplicates=duplicates,
        curve=examined.curve_points(),
        unreadable=checked.unreadable,
        seconds=round(clock.now() - started, 1),
        versions=toolkit_versions(),
    )
    return examination, dataset


def _without_unknown(dataset: Dataset, unknown: str) -> Dataset:
    labels = tuple(label for label in dataset.labels if label != unknown)
    samples = tuple(sample for sample in dataset.samples if sample.label != unknown)
    if len(labels) < 2:
        raise DatasetError(
            f"{dataset.root}: expected two or more class folders beside {unknown!r}, found {len(labels)}"
        )
    return dataclasses.replace(dataset, labels=labels, samples=samples)


def _check(dataset: Dataset, reporter: Reporter) -> _Checked:
    with reporter.bar("checking images") as tick:
        scan = scan_dataset(dataset, looks=True, tick=tick)
    with reporter.bar("finding near-duplicates") as tick:
        hashes = [look.perceptual_hash for look in scan.looks]
        similar = find_near_duplicates(hashes, near_duplicate_reader(dataset, scan.samples), tick)
    sets = _with_copies(scan.samples, similar)
    groups = np.arange(len(scan.samples))
    for members in sets:
        groups[list(members)] = members[0]
    return _Checked(scan.samples, scan.looks, scan.unreadable, sets, groups)


def _with_copies(
    samples: Sequence[Sample], similar: Sequence[tuple[int, ...]]
) -> tuple[tuple[int, ...], ...]:
    """The sets of near-duplicates, and sets of images with the same pixels that are in none of them."""
    inside = {each for members in similar for each in members}
    copies: dict[str, list[int]] = {}
    for position, sample in enumerate(samples):
        if position not in inside:
            copies.setdefault(sample.hash, []).append(position)
    same = [tuple(members) for members in copies.values() if len(members) > 1]
    return tuple(sorted([*similar, *same], key=lambda members: (-len(members), members)))


class _Examined:
    """What the features of the images say of labels, outliers and the number of images."""

    def __init__(
        self, config: ExamineConfig, dataset: Dataset, checked: _Checked, run: Run | None, reporter: Reporter
    ) -> None:
        self._dataset = dataset
        self._checked = checked
        index = {label: number for number, label in enumerate(dataset.labels)}
        self._targets = np.array([index[sample.label] for sample in checked.samples], np.int64)
        self._counts = np.bincount(self._targets, minlength=len(dataset.labels))
        settings, self.features_of = _network_options(config, run)
        network = _build(settings, run)
        loader = ImageLoader(dataset, (settings.image_size, settings.image_size), settings.resize)
        batches = make_batches(loader, checked.samples, dataset.labels, _BATCH)
        with reporter.fraction_bar("features") as done:
            descriptors = extract_descriptors(network, batches, done)
        reporter.say("judging labels")
        self._features = reduce_descriptors(*descriptors)
        self._scores: NDArray[np.float64] | None = None
        self._curve: LearningCurve | None = None
        # Every class needs a scene in each fold.
        scenes = [len(np.unique(checked.groups[self._targets == number])) for number in range(len(index))]
        if min(scenes) >= FOLDS:
            folds = make_folds(self._targets, checked.groups, config.seed)
            self._scores = score_out_of_fold(self._features, self._targets, folds)
            self._curve = measure_curve(self._features, self._targets, folds, config.seed)

    @property
    def accuracy(self) -> float:
        """Out of fold; 0 where a class has too few images."""
        if self._scores is None:
            return 0.0
        return float((self._scores.argmax(axis=1) == self._targets).mean())

    def label_suspects(self) -> list[Suspect]:
        """Images whose label is likely wrong."""
        if self._scores is None:
            return []
        labels = self._dataset.labels
        return [
            Suspect(
                file=self._checked.samples[issue.position].file,
                label=self._checked.samples[issue.position].label,
                check=Check.LABEL,
                why=f"looks like {labels[issue.suggestion]}",
                suggestion=labels[issue.suggestion],
                score=round(issue.confidence, 4),
            )
            for issue in find_label_issues(self._targets, self._scores)
        ]

    def outlier_suspects(self) -> list[Suspect]:
        """Images like no other."""
        return [
            Suspect(
                file=self._checked.samples[position].file,
                label=self._checked.samples[position].label,
                check=Check.OUTLIER,
                why="like no other image",
            )
            for position, _deviation in find_outliers(self._features)
        ]

    def class_reports(self) -> tuple[ClassReport, ...]:
        """Number of images, recall, and advice for each class."""
        curve = self._curve
        gains = curve.gain(self._counts) if curve else np.zeros(len(self._counts))
        reports = []
        for number, label in enumerate(self._dataset.labels):
            count, gain = int(self._counts[number]), float(gains[number])
            recall = float(curve.recall[-1, number]) if curve else 0.0
            advice = ""
            if count < FEW_IMAGES:
                advice = f"only {count} images: add more"
            elif curve is not None and gain >= WORTH_IT:
                advice = f"more images would help: {2 * count} are expected to raise its recall by {gain:.2f}"
            elif curve is not None and recall < 1 - WORTH_IT:
                advice = "more images would hardly help: check its labels, and what it is confused with"
            reports.append(
                ClassReport(
                    label=label, images=count, recall=round(recall, 4), gain=round(gain, 4), advice=advice
                )
            )
        return tuple(reports)

    def curve_points(self) -> tuple[CurvePoint, ...]:
        """The learning curve."""
        if self._curve is None:
            return ()
        curve, labels = self._curve, self._dataset.labels
        return tuple(
            CurvePoint(
                images=round(float(images), 2),
                recall=dict(zip(labels, np.round(recall, 4).tolist(), strict=True)),
                accuracy=round(float(accuracy), 4),
            )
            for images, recall, accuracy in zip(curve.images, curve.recall, curve.accuracy, strict=True)
        )


def _network_options(config: ExamineConfig, run: Run | None) -> tuple[TrainConfig, str]:
    """The options of the network that gives the features, and its name."""
    if run is not None:
        return TrainConfig.from_run(run), f"the run {run.folder}"
    settings = TrainConfig(
        data=config.data, weights=config.weights, alpha=config.alpha, image_size=config.image_size
    )
    return settings, f"MobileNetV2, alpha {config.alpha:g}, {config.image_size} pixels, {config.weights}"


def _build(settings: TrainConfig, run: Run | None) -> Network:
    return build_network(settings, 2) if run is None else load_trained(run, settings)


def _describe_sets(checked: _Checked, splits: Mapping[str, str]) -> tuple[DuplicateSet, ...]:
    described = []
    for members in checked.sets:
        samples = [checked.samples[each] for each in members]
        described.append(
            DuplicateSet(
                files=tuple(sample.file for sample in samples),
                labels=tuple(sample.label for sample in samples),
                splits=tuple(splits.get(sample.hash, "") for sample in samples) if splits else (),
            )
        )
    return tuple(described)


def _duplicate_suspects(sets: Sequence[DuplicateSet]) -> list[Suspect]:
    """Near-duplicates with different labels."""
    return [
        Suspect(
            file=file,
            label=label,
            check=Check.DUPLICATE,
            why="near-duplicates with the labels " + ", ".join(sorted(set(each.labels))),
        )
        for each in sets
        if len(set(each.labels)) > 1
        for file, label in zip(each.files, each.labels, strict=True)
    ]


def _flawed(checked: _Checked) -> list[Suspect]:
    flaws = find_flaws(checked.looks)
    return [
        Suspect(file=sample.file, label=sample.label, check=Check(flaw.value), why=_FLAW_TEXT[flaw])
        for sample, flaw in zip(checked.samples, flaws, strict=True)
        if flaw is not None
    ]


def _verdicts(
    checked: _Checked,
    sets: Sequence[DuplicateSet],
    suspects: Sequence[Suspect],
    classes: Sequence[ClassReport],
    run: Run | None,
) -> list[str]:
    lines = []
    counts = Counter(suspect.check for suspect in suspects)
    texts = {
        Check.LABEL: "labels are likely wrong",
        Check.DUPLICATE: "near-duplicates have different labels",
        Check.OUTLIER: "images are like no other",
        Check.SMALL: "images are much smaller than the others",
        Check.DARK: "images are much darker than the others",
        Check.BLURRED: "images are much less sharp than the others",
    }
    lines += [f"{counts[check]} {text}" for check, text in texts.items() if counts[check]]
    inside = sum(len(each.files) for each in sets)
    if inside:
        lines.append(
            f"{inside} images are near-duplicates, in {len(sets)} sets; edge-train keeps a set in one split"
        )
    crossing = sum(len(set(each.splits) - {""}) > 1 for each in sets)
    if run is not None and crossing:
        lines.append(
            f"{crossing} of these sets are in more than one split of {run.folder}: its held-out accuracy is "
            "too high; train again"
        )
    few = [each.label for each in classes if each.images < FEW_IMAGES]
    if few:
        lines.append(f"fewer than {FEW_IMAGES} images: {', '.join(few)}")
    most, least = (choose(classes, key=lambda each: each.images) for choose in (max, min))
    if most.images > MAX_IMBALANCE * least.images:
        lines.append(f"imbalanced: {most.images} images of {most.label}, {least.images} of {least.label}")
    if checked.unreadable:
        lines.append(f"{len(checked.unreadable)} files cannot be read as images")
    wanting = [each.label for each in classes if each.gain >= WORTH_IT and each.images >= FEW_IMAGES]
    if wanting:
        lines.append(f"more images would help most for {', '.join(wanting)}")
    return lines or ["nothing was found"]
