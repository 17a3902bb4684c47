"""The state of a training that `--resume` continues from, in one file that is written durably."""

import dataclasses
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import (
    CLOSED,
    ModelError,
    UsageError,
    clock,
    from_json,
    option_name,
    read_file,
    to_json,
    write_with,
)
from edge_runtime.datasets import RunFiles
from trainer.config import TrainConfig
from trainer.fitting.epoch import Epoch
from trainer.fitting.optimizers import WeightOptimizer

MAX_BYTES = 4 * 1024**3

Arrays = list[NDArray[Any]]


@dataclass(frozen=True)
class State:
    """A training after one of its epochs.

    Attributes:
        config: its options.
        fingerprint: of its data and split.
        history: every epoch so far.
        best: the best epoch.
        weights: of the network.
        best_weights: of the network after the best epoch.
        optimizer: the state of the running phase's optimizer.
    """

    config: Mapping[str, Any]
    fingerprint: str
    history: tuple[Epoch, ...]
    best: Epoch
    weights: Arrays
    best_weights: Arrays
    optimizer: Arrays


@dataclass(frozen=True)
class About:
    """The part of a state that is JSON; see `State`."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    config: dict[str, Any]
    fingerprint: str
    history: tuple[Epoch, ...]
    best: Epoch


class Checkpoints:
    """Keeps the state of a training: in memory after each epoch, on disk at intervals.

    Args:
        config: the options.
        fingerprint: of the data and the split.
    """

    def __init__(self, config: TrainConfig, fingerprint: str) -> None:
        self._path = RunFiles(config.out).state
        self._options = config_values(config)
        self._fingerprint = fingerprint
        self._seconds = config.checkpoint_seconds
        self._written_at = clock.now()
        self._unwritten: State | None = None

    def keep(
        self,
        history: tuple[Epoch, ...],
        best: Epoch,
        best_weights: Arrays,
        network: Any,
        optimizer: WeightOptimizer,
    ) -> None:
        """Take the state after an epoch; write it if the last checkpoint is old enough.

        Args:
            history: every epoch.
            best: the best of them.
            best_weights: of the network after the best epoch.
            network: the Keras model.
            optimizer: of the phase.

        Raises:
            OutputError: it cannot be written.
        """
        self._unwritten = State(
            config=self._options,
            fingerprint=self._fingerprint,
            history=history,
            best=best,
            weights=network.get_weights(),
            best_weights=best_weights,
            optimizer=[variable.numpy() for variable in optimizer.state],
        )
        if clock.now() - self._written_at >= self._seconds:
            self.flush()

    def flush(self) -> None:
        """Write the last state, unless it is on disk already."""
        if self._unwritten is not None:
            write_state(self._path, self._unwritten)
            self._unwritten = None
            self._written_at = clock.now()


def write_state(path: Path, state: State) -> None:
    """Write a state durably.

    Raises:
        OutputError: it cannot be written; an older state is unchanged.
    """
    about = About(dict(state.config), state.fingerprint, state.history, state.best)
    arrays = {"about": np.frombuffer(to_json(about).encode(), np.uint8)}
    for name in ("weights", "best_weights", "optimizer"):
        arrays |= {f"{name}_{number:04d}": array for number, array in enumerate(getattr(state, name))}
    write_with(path, lambda temporary: np.savez(temporary, allow_pickle=False, **arrays))


def read_state(files: RunFiles) -> State | None:
    """The state in a run's folder; None where there is none.

    Raises:
        ModelError: the file is damaged, or too large.
    """
    path = files.state
    if not path.exists():
        return None
    content = read_file(path, max_bytes=MAX_BYTES, error=ModelError)
    advice = "start again with --overwrite instead of --resume"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        arrays = _load_arrays(content) if size <= MAX_BYTES else {}
        text = arrays.pop("about").tobytes() if arrays else b""
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path}: damaged ({error}); {advice}") from error
    if not text:
        raise ModelError(f"{path}: {size} bytes unpacked, not the state of a training; {advice}")
    about = from_json(text, About, name=f"{path}: damaged; {advice}", error=ModelError)
    return State(
        config=about.config,
        fingerprint=about.fingerprint,
        history=about.history,
        best=about.best,
        weights=_named(arrays, "weights"),
        best_weights=_named(arrays, "best_weights"),
        optimizer=_named(arrays, "optimizer"),
    )


def _load_arrays(content: bytes) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in sorted(archive.files)}


def check_state(state: State, config: TrainConfig, fingerprint: str) -> None:
    """Refuse to continue another training than the one that was interrupted.

    Raises:
        UsageError: options or data are different.
    """
    now = config_values(config)
    may_change = {field.name for field in dataclasses.fields(config) if field.metadata.get("changeable")}
    for name, before in state.config.items():
        if name not in may_change and now.get(name) != before:
            raise UsageError(
                f"the training in {config.out} was started with --{option_name(name)} {before}, now it is "
                f"{now.get(name)}: give the same, or start again with --overwrite"
            )
    if state.fingerprint != fingerprint:
        raise UsageError(
            f"the images of {config.data} are not those that the training in {config.out} was started with: "
            "start again with --overwrite"
        )


def restore(variables: Sequence[Any], values: Arrays) -> None:
    """Assign stored values to the variables of a network or an optimizer.

    Raises:
        ModelError: the shapes differ.
    """
    if [tuple(variable.shape) for variable in variables] != [value.shape for value in values]:
        raise ModelError("the stored state does not match this training: start again with --overwrite")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def config_values(config: TrainConfig) -> dict[str, Any]:
    """The options as plain values for JSON."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config), default=str))
    return values


def _named(arrays: Mapping[str, NDArray[Any]], kind: str) -> Arrays:
    return [array for name, array in arrays.items() if name.rpartition("_")[0] == kind]
