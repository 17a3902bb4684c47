"""What `--resume` needs, in one file that is there whole or not at all."""

import dataclasses
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime import ModelError, UsageError
from edge_runtime.core import clock
from edge_runtime.core.files import write_with
from edge_runtime.core.options import option_name
from trainer.config import TrainConfig
from trainer.fitting.train_loop import BestWeights, Epoch, Phase, epoch_from

MAX_BYTES = 4 * 1024**3

Arrays = list[NDArray[Any]]

# A training may go on with another of these: they do not change what has been learned so far.
MAY_CHANGE = frozenset(
    {
        "out", "strict", "overwrite", "resume", "distribute", "tensorboard", "checkpoint_seconds", "patience",
        "head_epochs", "head_rate", "fine_tune_epochs", "fine_tune_rate", "scratch_epochs", "scratch_rate",
        "clip_norm", "deterministic",
    }
)  # fmt: skip


@dataclass(frozen=True)
class State:
    """A training after one of its epochs.

    Attributes:
        config: its options, as `config.toml` has them.
        fingerprint: of its data and split.
        history: every epoch so far.
        best: the epoch whose weights are kept.
        weights: of the network.
        best_weights: of the network after the best epoch.
        optimizer: the variables of the running phase's optimizer.
    """

    config: Mapping[str, Any]
    fingerprint: str
    history: tuple[Epoch, ...]
    best: Epoch
    weights: Arrays
    best_weights: Arrays
    optimizer: Arrays


class Checkpoints:
    """Keeps the state of a training, in memory after each epoch and on disk every now and then."""

    def __init__(self, config: TrainConfig, fingerprint: str) -> None:
        self._path = state_path(config.out)
        self._options = config_values(config)
        self._fingerprint = fingerprint
        self._seconds = config.checkpoint_seconds
        self._written_at = clock.now()
        self._unwritten: State | None = None

    def keep(self, phase: Phase, network: Any, history: Sequence[Epoch], best: BestWeights) -> None:
        """Take the state after an epoch; write it when the last writing is long enough ago.

        Raises:
            OutputError: it cannot be written.
        """
        assert best.epoch is not None  # noqa: S101 - an epoch has been considered
        self._unwritten = State(
            config=self._options,
            fingerprint=self._fingerprint,
            history=tuple(history),
            best=best.epoch,
            weights=network.get_weights(),
            best_weights=best.weights,
            optimizer=[variable.numpy() for variable in phase.optimizer.variables],
        )
        if clock.now() - self._written_at >= self._seconds:
            self.flush()

    def flush(self) -> None:
        """Write the last state, if it is not on disk yet."""
        if self._unwritten is not None:
            write_state(self._path, self._unwritten)
            self._unwritten = None
            self._written_at = clock.now()


def state_path(folder: Path) -> Path:
    """Where a run keeps the state of its training."""
    return folder / "checkpoints" / "state.npz"


def write_state(path: Path, state: State) -> None:
    """Write a state durably.

    Raises:
        OutputError: it cannot be written; an older state stays as it was.
    """
    about = {
        "config": dict(state.config),
        "fingerprint": state.fingerprint,
        "history": [dataclasses.asdict(epoch) for epoch in state.history],
        "best": dataclasses.asdict(state.best),
    }
    arrays = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
    for name in ("weights", "best_weights", "optimizer"):
        arrays |= {f"{name}_{number:04d}": array for number, array in enumerate(getattr(state, name))}
    write_with(path, lambda temporary: np.savez(temporary, allow_pickle=False, **arrays))


def read_state(folder: Path) -> State | None:
    """The state that a run's folder holds; None where there is none.

    Raises:
        ModelError: the file is damaged, or larger than any training's.
    """
    path = state_path(folder)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path}: larger than the state of a training can be")
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
                raise ModelError(f"{path}: larger than the state of a training can be")
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in sorted(archive.files)}
        about = json.loads(arrays.pop("about").tobytes())
        return State(
            config=dict(about["config"]),
            fingerprint=str(about["fingerprint"]),
            history=tuple(epoch_from(each) for each in about["history"]),
            best=epoch_from(about["best"]),
            weights=_named(arrays, "weights"),
            best_weights=_named(arrays, "best_weights"),
            optimizer=_named(arrays, "optimizer"),
        )
    except ModelError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{path}: damaged ({error}); begin anew with --overwrite instead of --resume"
        ) from error


def check_state(state: State, config: TrainConfig, fingerprint: str) -> None:
    """Refuse to go on with another training than the one that was interrupted.

    Raises:
        UsageError: options or data are not the same.
    """
    now = config_values(config)
    for name, before in state.config.items():
        if name not in MAY_CHANGE and now.get(name) != before:
            raise UsageError(
                f"the training in {config.out} was begun with --{option_name(name)} {before}, now it is "
                f"{now.get(name)}: give the same, or begin anew with --overwrite"
            )
    if state.fingerprint != fingerprint:
        raise UsageError(
            f"the pictures of {config.data} are not those that the training in {config.out} was begun with: "
            "begin anew with --overwrite"
        )


def restore(variables: Sequence[Any], values: Arrays) -> None:
    """Give variables of a network or an optimizer the values that were kept.

    Raises:
        ModelError: they are not of these variables.
    """
    if [tuple(variable.shape) for variable in variables] != [value.shape for value in values]:
        raise ModelError("the kept state does not fit this training: begin anew with --overwrite")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def config_values(config: TrainConfig) -> dict[str, Any]:
    """The options as plain values, as JSON holds them."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config), default=str))
    return values


def _named(arrays: Mapping[str, NDArray[Any]], kind: str) -> Arrays:
    return [array for name, array in arrays.items() if name.rpartition("_")[0] == kind]
