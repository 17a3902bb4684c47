"""Read a run: what `edge-train` left, checked before anything heavy is loaded."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from edge_runtime import Dataset, DatasetError, ModelCard, ModelError, Sample, open_dataset
from edge_runtime.datasets.layouts import TEST, TRAIN, VALIDATION, parse_split


@dataclass(frozen=True)
class Run:
    """A run on disk.

    Attributes:
        folder: where it is.
        card: its card.
        samples: its pictures with label, split and hash.
        data: the data set it was trained on, as `open_dataset` takes it.
    """

    folder: Path
    card: ModelCard
    samples: tuple[Sample, ...]
    data: str

    @property
    def keras_file(self) -> Path:
        """The model."""
        return self.folder / "model.keras"

    def split(self, name: str) -> tuple[Sample, ...]:
        """The samples of one split."""
        return tuple(sample for sample in self.samples if sample.split == name)

    @property
    def held_out(self) -> tuple[Sample, ...]:
        """The samples that were not trained on: the validation split, then the test split if there is one."""
        return (*self.split(VALIDATION), *self.split(TEST))

    def open_data(self) -> Dataset:
        """Open the data set that the run was trained on.

        Raises:
            DatasetError: it is no longer there.
        """
        try:
            return open_dataset(self.data)
        except DatasetError as error:
            raise DatasetError(
                f"{error} (the data of the run {self.folder}; give its new place with --data)"
            ) from error


def read_run(folder: Path, *, data: str | None = None) -> Run:
    """Read a run's card, split and place of the data.

    Args:
        folder: the run.
        data: where the data is now, if it was moved.

    Raises:
        ModelError: not a run, or an incomplete one.
    """
    for name in ("card.json", "split.csv", "config.toml", "model.keras"):
        if not (folder / name).is_file():
            raise ModelError(
                f"{folder}: not a complete run, {name} is missing; make one with edge-train DATA --out FOLDER"
            )
    card = ModelCard.from_json(_read(folder / "card.json"), name=str(folder / "card.json"))
    try:
        samples = parse_split(_read(folder / "split.csv"), name=str(folder / "split.csv"))
        recorded = tomllib.loads(_read(folder / "config.toml").decode())["data"]
    except (DatasetError, ValueError, KeyError) as error:
        raise ModelError(f"{folder}: split.csv or config.toml is damaged ({error})") from error
    run = Run(folder, card, samples, data or str(recorded))
    strange = {sample.label for sample in samples} - set(card.labels)
    if strange or not run.split(TRAIN):
        raise ModelError(f"{folder}: split.csv and card.json do not belong together ({sorted(strange)[:3]})")
    return run


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
