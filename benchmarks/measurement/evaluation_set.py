"""Held-out pictures: those of a data set that the run neither trained on nor chose its weights by."""

from dataclasses import dataclass

from converter import Run
from edge_runtime import Dataset, DatasetError, Image, ImageError, Sample, open_dataset
from edge_runtime.core.progress import Tick, no_tick
from edge_runtime.datasets.layouts import TEST, TRAIN, VALIDATION
from edge_runtime.datasets.scan import scan_dataset
from edge_runtime.images.codec import pixels_needed


@dataclass(frozen=True)
class HeldOut:
    """Pictures to measure on, read one at a time.

    Attributes:
        dataset: where they come from.
        kind: `test` where the run never saw them, `validation` where it chose its best epoch by them.
        samples: the pictures.
        targets: their class indices, in the order of the run's labels.
        at_least: how many pixels the model needs of each side.
    """

    dataset: Dataset
    kind: str
    samples: tuple[Sample, ...]
    targets: tuple[int, ...]
    at_least: int

    def read(self, position: int) -> Image:
        """The picture of one sample, decoded as the device does: uint8 RGB, shape (height, width, 3).

        Raises:
            DatasetError: the picture is gone since it was found.
        """
        try:
            return self.dataset.load(self.samples[position].file, self.at_least)
        except ImageError as error:
            raise DatasetError(f"a picture can no longer be read: {error}") from error


def find_held_out(run: Run, data: str | None, *, tick: Tick = no_tick) -> HeldOut:
    """Find the pictures of a data set that a run has not trained on, judged by their pixels.

    Args:
        run: what `read_run` gave.
        data: the data set; the run's own when None.
        tick: is told of the progress.

    Raises:
        DatasetError: its classes are not the run's, or the run trained on every picture.
    """
    dataset = run.open_data() if data is None else open_dataset(data)
    strange = sorted(set(dataset.labels) - set(run.card.labels))
    if strange:
        raise DatasetError(
            f"{dataset.root}: the run {run.folder} has no class {strange[0]!r} ({len(strange)} unknown)"
        )
    readable = scan_dataset(dataset, tick=tick).samples
    trained = {sample.hash for sample in run.split(TRAIN)}
    validated = {sample.hash for sample in run.split(VALIDATION)}
    unseen = tuple(sample for sample in readable if sample.hash not in trained | validated)
    samples = unseen or tuple(sample for sample in readable if sample.hash not in trained)
    if not samples:
        raise DatasetError(
            f"{dataset.root}: no held-out pictures, {run.folder} was trained on all {len(readable)}; "
            "give others with --data"
        )
    index = {label: position for position, label in enumerate(run.card.labels)}
    return HeldOut(
        dataset=dataset,
        kind=TEST if unseen else VALIDATION,
        samples=samples,
        targets=tuple(index[sample.label] for sample in samples),
        at_least=pixels_needed(run.card.image_size, run.card.resize),
    )
