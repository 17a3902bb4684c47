"""Held-out pictures: those of a data set that the run neither trained on nor chose its weights by."""

from dataclasses import dataclass, replace

from converter import Run
from edge_runtime import Dataset, DatasetError, Image, ImageError, Sample, open_dataset
from edge_runtime.dataset import TRAIN, VALIDATION, pixel_hash


@dataclass(frozen=True)
class HeldOut:
    """Pictures to measure on.

    Attributes:
        kind: `test` where the run never saw them, `validation` where it chose its best epoch by them.
        samples: with hashes.
        images: uint8 RGB of any size, as decoded, one per sample.
        targets: class indices in the order of the run's labels, one per sample.
    """

    kind: str
    samples: tuple[Sample, ...]
    images: tuple[Image, ...]
    targets: tuple[int, ...]


def read_held_out(run: Run, data: str | None, *, limit: int | None = None) -> HeldOut:
    """Read the pictures of a data set that a run has not trained on, judged by their pixels.

    Args:
        run: what `read_run` gave.
        data: the data set; the run's own when None.
        limit: at most so many pictures, spread evenly.

    Raises:
        DatasetError: its classes are not the run's, or the run trained on every picture.
    """
    dataset = run.open_data() if data is None else open_dataset(data)
    strange = sorted(set(dataset.labels) - set(run.card.labels))
    if strange:
        raise DatasetError(f"{dataset.root}: the run {run.folder} has no class {strange[0]!r} ({len(strange)} unknown)")
    read = _read_all(dataset)
    trained = {sample.hash for sample in run.split(TRAIN)}
    validated = {sample.hash for sample in run.split(VALIDATION)}
    unseen = [pair for pair in read if pair[0].hash not in trained | validated]
    kind = "test" if unseen else VALIDATION
    chosen = unseen or [pair for pair in read if pair[0].hash not in trained]
    if not chosen:
        raise DatasetError(
            f"{dataset.root}: the run {run.folder} was trained on all of its {len(read)} pictures; give others with --data"
        )
    if limit is not None and len(chosen) > limit:
        chosen = [chosen[position * len(chosen) // limit] for position in range(limit)]
    index = {label: position for position, label in enumerate(run.card.labels)}
    return HeldOut(
        kind=kind,
        samples=tuple(sample for sample, _ in chosen),
        images=tuple(image for _, image in chosen),
        targets=tuple(index[sample.label] for sample, _ in chosen),
    )


def _read_all(dataset: Dataset) -> list[tuple[Sample, Image]]:
    pairs: list[tuple[Sample, Image]] = []
    for sample in dataset.samples:
        try:
            image = dataset.read(sample.file)
        except ImageError:
            continue  # The trainer has named it.
        pairs.append((replace(sample, hash=pixel_hash(image)), image))
    return pairs
