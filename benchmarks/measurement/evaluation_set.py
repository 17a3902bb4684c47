"""The images to measure on: those that the run neither trained on nor chose its weights by."""

from dataclasses import dataclass

from edge_runtime.core import DatasetError, Image, ImageError, Tick, no_tick, sha256
from edge_runtime.datasets import TEST, TRAIN, VALIDATION, Dataset, Run, Sample, open_dataset, scan_dataset
from edge_runtime.images import pixels_needed


@dataclass(frozen=True)
class EvaluationSet:
    """Images to measure on, read one at a time.

    Attributes:
        dataset: reads them.
        split: `test` if the run never used them, `validation` if it chose its best epoch by them.
        samples: the images.
        targets: their class indices, in the order of the run's labels.
        at_least: how many pixels of each side the model needs.
    """

    dataset: Dataset
    split: str
    samples: tuple[Sample, ...]
    targets: tuple[int, ...]
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


def find_evaluation_set(run: Run, data: str | None, *, tick: Tick = no_tick) -> EvaluationSet:
    """Find the images of a data set that a run has not trained on, by their pixels.

    Args:
        run: from `read_run`.
        data: the data set; the run's own when None.
        tick: progress callback.

    Raises:
        DatasetError: its classes are not the run's, or the run trained on every image.
    """
    dataset = run.open_data() if data is None else open_dataset(data)
    unknown = sorted(set(dataset.labels) - set(run.card.labels))
    if unknown:
        raise DatasetError(
            f"{dataset.root}: the run {run.folder} has no class {unknown[0]!r} ({len(unknown)} unknown)"
        )
    readable = scan_dataset(dataset, tick=tick).samples
    trained = {sample.hash for sample in run.split(TRAIN)}
    validated = {sample.hash for sample in run.split(VALIDATION)}
    unseen = tuple(sample for sample in readable if sample.hash not in trained | validated)
    samples = unseen or tuple(sample for sample in readable if sample.hash not in trained)
    if not samples:
        raise DatasetError(
            f"{dataset.root}: no held-out images, {run.folder} was trained on all {len(readable)}; "
            "give others with --data"
        )
    index = {label: position for position, label in enumerate(run.card.labels)}
    return EvaluationSet(
        dataset=dataset,
        split=TEST if unseen else VALIDATION,
        samples=samples,
        targets=tuple(index[sample.label] for sample in samples),
        at_least=pixels_needed(run.card.image_size, run.card.resize),
    )
