"""What a device remembers of the models that it ran, so that no older one comes back."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from edge_runtime.core import (
    CLOSED,
    ModelError,
    from_json,
    is_there,
    read_file,
    sha256,
    state_folder,
    to_json,
    write_file,
)
from edge_runtime.model import ModelFile
from edge_runtime.trust.keys import PublicKey
from edge_runtime.trust.verification import Order, Origin, verify

MAX_HISTORY_BYTES = 1024**2
MAX_REJECTED = 100


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A new model in its first minutes.

    Attributes:
        sha256: of the model file.
        unknown: of this many results of the model before,
        results: this many were unknown.
        changes: the drift that there was before.
        starts: how often the process has started with it.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    sha256: str
    unknown: int = 0
    results: int = 0
    changes: tuple[str, ...] = ()
    starts: int = 0


@dataclass(frozen=True, kw_only=True)
class History:
    """What a device remembers.

    Attributes:
        name: of the models that it takes; None before the first.
        serial: see `Order`; of the newest model that it took.
        counter: see `Order`.
        sha256: of that model.
        trial: a newer model that is being tried; None for none.
        rejected: SHA-256 of models that were tried and rolled back.
        format: version of the file.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    name: str | None = None
    serial: int = 0
    counter: int = -1
    sha256: str = ""
    trial: Trial | None = None
    rejected: tuple[str, ...] = ()
    format: int = 1

    @property
    def order(self) -> Order:
        """Of the newest model that was taken."""
        return Order(self.serial, self.counter)

    def check(self, origin: Origin, *, file_name: str) -> None:
        """Refuse a model that must not replace the newest one.

        Raises:
            ModelError: another name, an older one, another one of the same counter, or one that was rolled
                back.
        """
        if origin.sha256 in self.rejected:
            raise ModelError(f"{file_name}: this model was tried here and rolled back; sign a better one")
        if self.name is None:
            return
        if origin.name != self.name:
            raise ModelError(
                f"{file_name}: signed as {origin.name!r:.60}, this device runs {self.name!r:.60}"
            )
        if origin.order < self.order or (origin.order == self.order and origin.sha256 != self.sha256):
            raise ModelError(
                f"{file_name}: not newer than the model that ran here: counter {origin.order.counter} "
                f"(certificate {origin.order.serial}), that one: {self.counter} (certificate {self.serial}); "
                "to go back, sign the old model again with a higher --counter"
            )

    def accept(self, origin: Origin) -> "History":
        """With this model as the newest."""
        return replace(
            self,
            name=origin.name,
            serial=origin.order.serial,
            counter=origin.order.counter,
            sha256=origin.sha256,
            trial=None,
        )

    def reject(self, model: str) -> "History":
        """With this model (its SHA-256) rolled back."""
        others = [each for each in self.rejected if each != model]
        return replace(self, trial=None, rejected=(*others, model)[-MAX_REJECTED:])


class TrustedModels:
    """Decides which model files may run on this device, and remembers what ran.

    Args:
        keys: trusted public keys.
        path: the file of the history.

    Raises:
        ModelError: the history is damaged.
    """

    def __init__(self, keys: Sequence[PublicKey], path: Path) -> None:
        self._keys = tuple(keys)
        self._path = path
        self._turn = threading.Lock()
        self.history = self._read()

    @classmethod
    def of_model(cls, keys: Sequence[PublicKey], model: Path) -> "TrustedModels":
        """With the history of the model file of this name on this device."""
        place = sha256(str(model.absolute()).encode())[:16]
        return cls(keys, state_folder("models") / f"{place}.json")

    def check(self, file: ModelFile) -> Origin:
        """Refuse a model file that is not signed by a trusted key, or must not replace the newest one.

        Raises:
            ModelError: with the reason.
        """
        origin = verify(file, self._keys)
        self.history.check(origin, file_name=file.name)
        return origin

    def accept(self, origin: Origin) -> None:
        """Remember a model that runs now: no older one is taken from now on.

        Raises:
            OutputError: the history cannot be written.
        """
        self._change(lambda history: history.accept(origin))

    def begin_trial(self, trial: Trial) -> None:
        """Remember that a newer model is being tried.

        Raises:
            OutputError: the history cannot be written.
        """
        self._change(lambda history: replace(history, trial=trial))

    def reject(self, model: str) -> None:
        """Remember that a model (its SHA-256) was rolled back.

        Raises:
            OutputError: the history cannot be written.
        """
        self._change(lambda history: history.reject(model))

    def _read(self) -> History:
        if not is_there(self._path):
            return History()
        content = read_file(self._path, max_bytes=MAX_HISTORY_BYTES, error=ModelError)
        history = from_json(content, History, name=str(self._path), error=ModelError)
        if history.format != 1:
            raise ModelError(f"{self._path}: format {history.format}, this version reads 1")
        return history

    def _change(self, change: Callable[[History], History]) -> None:
        # A thread that updates and the loop both change it.
        with self._turn:
            history = change(self.history)
            if history != self.history:
                write_file(self._path, to_json(history, indent=2) + "\n")
                self.history = history
