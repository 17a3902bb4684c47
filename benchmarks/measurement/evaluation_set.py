"""The images to measure on: those that the run neither trained on nor chose its weights by."""

from dataclasses import dataclass
from pathlib import Path

from edge_runtime.core import DatasetError, Image, ImageError, Tick, no_tick, sha256
from edge_runtime.datasets import (
    REJECTION,
    TEST,
    TRAIN,
    VALIDATION,
    Dataset,
    Run,
    Sample,
    open_dataset,
    open_unlabelled,
    scan_dataset,
)
from edge_runtime.images import pixels_needed


@dataclass(frozen=True, kw_only=True)
class ImageSet:
    """Images to measure on, read one at a time.

    Attributes:
        dataset: reads them.
        samples: the images.
        at_least: how many pixels of each side the model needs.
    """

    dataset: Dataset
    samples: tuple[Sample, ...]
    at_least: int

    @property
    def fingerprint(self) -> str:
        """A hash over the images and their right classes, in order."""
        lines = [f"{sample.hash} {sample.label}\n" for sample in self.samples]
        return sha256("".join(lines).encode("utf-8", "surrogateescape"))

    def read(self, position: int) -> Image:
        """The image of one sample, decoded as the device does: uint8 RGB, shape (height, width, 3).

        Raises:
            DatasetError: the image cannot be read any more.
        """
        try:
            return self.dataset.load(self.samples[position].file, self.at_least)
        except ImageError as error:
            raise DatasetError(f"an image can no longer be read: {error}") from error


@dataclass(frozen=True, kw_only=True)
class EvaluationSet(ImageSet):
    """Images of the classes.

    Attributes:
        split: `test` if the run never used them, `validation` if it chose its best epoch or its rejection by
            them, `train` if it held none out and was trained on them.
        targets: their class indices, in the order of the run's classes.
    """

    split: str
    targets: tuple[int, ...]


def find_evaluation_set(run: Run, data: str | None, *, tick: Tick = no_tick) -> EvaluationSet:
    """Find the images of the classes that a run has not trained on, by their pixels; else all of them.

    Args:
        run: from `read_run`.
        data: the data set; the run's own when None.
        tick: progress callback.

    Raises:
        DatasetError: its classes are not the run's, or the run trained on every image.
    """
    dataset = run.open_data() if data is None else open_dataset(data)
    classes = run.card.classes
    unknown = sorted(set(dataset.labels) - {*classes, run.card.unknown})
    if unknown:
        raise DatasetError(
            f"{dataset.root}: the run {run.folder} has no class {unknown[0]!r} ({len(unknown)} unknown)"
        )
    readable = [each for each in scan_dataset(dataset, tick=tick).samples if each.label in classes]
    trained = {sample.hash for sample in run.split(TRAIN)}
    validated = {sample.hash for split in (VALIDATION, REJECTION) for sample in run.split(split)}
    unseen = tuple(sample for sample in readable if sample.hash not in trained | validated)
    held_out = unseen or tuple(sample for sample in readable if sample.hash not in trained)
    # A training on all of few images held none out, and its model is compared with the Keras model by them.
    samples = held_out or (() if run.held_out else tuple(readable))
    if not samples:
        raise DatasetError(
            f"{dataset.root}: no held-out images, {run.folder} was trained on all {len(readable)}; "
            "give others with --data"
        )
    index = {label: position for position, label in enumerate(classes)}
    return EvaluationSet(
        dataset=dataset,
        split=TEST if unseen else VALIDATION if held_out else TRAIN,
        samples=samples,
        targets=tuple(index[sample.label] for sample in samples),
        at_least=pixels_needed(run.card.image_size, run.card.resize),
    )


def find_unknowns(run: Run, folder: Path, images: EvaluationSet, *, tick: Tick = no_tick) -> ImageSet:
    """The images of no class in a folder; those that are images of a class too are left out.

    Args:
        run: from `read_run`.
        folder: with the images.
        images: those of the classes.
        tick: progress callback.

    Raises:
        DatasetError: there are none.
    """
    dataset = open_unlabelled(folder, run.card.unknown)
    known = {sample.hash for sample in (*images.samples, *run.split(TRAIN), *run.held_out)}
    samples = tuple(each for each in scan_dataset(dataset, tick=tick).samples if each.hash not in known)
    if not samples:
        raise DatasetError(f"{folder}: every image is one of a class, too; give others with --unknowns")
    return ImageSet(dataset=dataset, samples=samples, at_least=images.at_least)
