"""The format of a run: the names of its files, its reader, and the writer of its text files."""

import csv
import io
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_runtime.core import DatasetError, ModelError, read_file, write_file
from edge_runtime.datasets.layouts import open_dataset
from edge_runtime.datasets.samples import REJECTION, TEST, TRAIN, VALIDATION, Dataset, Sample
from edge_runtime.datasets.split_file import format_split, parse_split
from edge_runtime.model import CARD_NAME, ModelCard

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MAX_BYTES = 1024**3


@dataclass(frozen=True)
class RunFiles:
    """The files of a run.

    Attributes:
        folder: the run.
    """

    folder: Path

    @property
    def model(self) -> Path:
        """The Keras model with the best weights of all epochs; written last."""
        return self.folder / "model.keras"

    @property
    def card(self) -> Path:
        """The model card."""
        return self.folder / CARD_NAME

    @property
    def config(self) -> Path:
        """The options that repeat the training."""
        return self.folder / "config.toml"

    @property
    def split(self) -> Path:
        """File, label, split and hash of every image."""
        return self.folder / "split.csv"

    @property
    def history(self) -> Path:
        """Loss and accuracy of every epoch."""
        return self.folder / "history.csv"

    @property
    def metrics(self) -> Path:
        """The metrics of each split."""
        return self.folder / "metrics.json"

    @property
    def cross_validation(self) -> Path:
        """What cross-validation chose, where no images were held out for it."""
        return self.folder / "cross_validation.json"

    @property
    def rejection(self) -> Path:
        """How well images of no class are told apart."""
        return self.folder / "rejection.json"

    @property
    def report(self) -> Path:
        """The page with everything about the training."""
        return self.folder / "report.html"

    @property
    def examples(self) -> Path:
        """A held-out image of each class."""
        return self.folder / "examples"

    @property
    def best_weights(self) -> Path:
        """The best weights so far, also of a training that did not finish."""
        return self.folder / "checkpoints" / "best.weights.h5"

    @property
    def state(self) -> Path:
        """The state that `--resume` continues from."""
        return self.folder / "checkpoints" / "state.npz"

    @property
    def logs(self) -> Path:
        """TensorBoard logs."""
        return self.folder / "logs"

    def read_card(self) -> ModelCard:
        """Read the card.

        Raises:
            ModelError: missing or damaged.
        """
        return ModelCard.from_json(_read(self.card), name=str(self.card))

    def remove_results(self) -> None:
        """Remove the results of an earlier training, so that none is taken for one of the new run."""
        for path in (self.model, self.card, self.metrics, self.cross_validation, self.rejection, self.report):
            path.unlink(missing_ok=True)

    def write_split(self, samples: Sequence[Sample]) -> None:
        """Write `split.csv`."""
        write_file(self.split, format_split(samples))

    def write_history(self, epochs: "Sequence[DataclassInstance]") -> None:
        """Write `history.csv`, one line an epoch, a column for each field."""
        text = io.StringIO(newline="")
        columns = [field.name for field in fields(epochs[0])] if epochs else []
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(epoch) for epoch in epochs)
        write_file(self.history, text.getvalue())

    def write_metrics(self, metrics: "Mapping[str, DataclassInstance]") -> None:
        """Write `metrics.json`, one object a split."""
        _write_objects(self.metrics, metrics)

    def write_cross_validation(self, choice: "DataclassInstance") -> None:
        """Write `cross_validation.json`."""
        write_file(self.cross_validation, json.dumps(asdict(choice), indent=2) + "\n")

    def write_rejection(self, separations: "Mapping[str, DataclassInstance]") -> None:
        """Write `rejection.json`, one object a kind of images of no class."""
        _write_objects(self.rejection, separations)


@dataclass(frozen=True)
class Run:
    """A complete run on disk.

    Attributes:
        folder: where it is.
        card: its card.
        samples: its images with label, split and hash.
        data: the data set it was trained on, as `open_dataset` takes it.
    """

    folder: Path
    card: ModelCard
    samples: tuple[Sample, ...]
    data: str

    @property
    def files(self) -> RunFiles:
        """Its files."""
        return RunFiles(self.folder)

    def split(self, name: str) -> tuple[Sample, ...]:
        """The samples of one split."""
        return tuple(sample for sample in self.samples if sample.split == name)

    @property
    def held_out(self) -> tuple[Sample, ...]:
        """The samples that were not trained on: validation, rejection and test."""
        return tuple(sample for split in (VALIDATION, REJECTION, TEST) for sample in self.split(split))

    def open_data(self) -> Dataset:
        """Open the data set that the run was trained on.

        Raises:
            DatasetError: it is no longer there.
        """
        try:
            return open_dataset(self.data)
        except DatasetError as error:
            raise DatasetError(
                f"{error} (the data of the run {self.folder}; if it was moved, give its folder with --data)"
            ) from error


def read_run(folder: Path, *, data: str | None = None) -> Run:
    """Read a run's card, split and location of the data.

    Args:
        folder: the run.
        data: where the data is now, if it was moved.

    Raises:
        ModelError: not a run, or an incomplete one.
    """
    files = RunFiles(folder)
    for path in (files.card, files.split, files.config, files.model):
        if not path.is_file():
            raise ModelError(
                f"{folder}: not a complete run, {path.name} is missing; make one with "
                "edge-train DATA --out FOLDER"
            )
    card = files.read_card()
    try:
        samples = parse_split(_read(files.split), name=str(files.split))
        recorded = tomllib.loads(_read(files.config).decode())["data"]
    except (DatasetError, ValueError, KeyError) as error:
        raise ModelError(f"{folder}: split.csv or config.toml is damaged ({error})") from error
    run = Run(folder, card, samples, data or str(recorded))
    unknown = {sample.label for sample in samples} - set(card.labels)
    if unknown or not run.split(TRAIN):
        raise ModelError(f"{folder}: split.csv and card.json do not belong together ({sorted(unknown)[:3]})")
    return run


def _write_objects(path: Path, values: "Mapping[str, DataclassInstance]") -> None:
    objects: dict[str, Any] = {name: asdict(value) for name, value in values.items()}
    write_file(path, json.dumps(objects, indent=2, ensure_ascii=False) + "\n")


def _read(path: Path) -> bytes:
    return read_file(path, max_bytes=MAX_BYTES, error=ModelError)
