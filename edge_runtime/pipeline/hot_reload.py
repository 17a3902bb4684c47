"""A model file that is replaced while it is in use: the new one is tried, then taken; a bad one refused."""

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from edge_runtime.core import clock
from edge_runtime.core.errors import EdgeError, ModelError
from edge_runtime.core.types import Frame, Result
from edge_runtime.inference.classifier import Classifier
from edge_runtime.inference.self_test import run_self_test

LOOK_EVERY = 2.0
"""Seconds between two looks at the file."""

Stamp = tuple[int, int, int]


class ModelWatch:
    """A classifier whose model file may be replaced (by rename, as every durable copy does).

    A new file is loaded in the background: trial in a child process, labels, self-test. Between two frames it
    takes the old one's place.

    Args:
        path: of the model file.
        load: makes a classifier from it.
        say: gets a line when a file is taken or refused.
        look_every: seconds between two looks.
    """

    def __init__(
        self,
        path: Path,
        load: Callable[[Path], Classifier],
        *,
        say: Callable[[str], None],
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._path = path
        self._load = load
        self._say = say
        self._look_every = look_every
        self._stamp = self._read_stamp()
        self._look_at = clock.now() + look_every
        self._loading: threading.Thread | None = None
        self._loaded: Classifier | None = None
        self.current = load(path)

    def observe_all(self, frames: Iterable[Frame], top_k: int) -> Iterator[Result]:
        """Classify one frame after the other, each with the model that is there by then."""
        taken = iter(frames)
        # Before the frame is taken: the source decodes it for the model that is to classify it.
        while (frame := self.next_frame(taken)) is not None:
            yield self.current.observe(frame, top_k)

    def next_frame(self, frames: Iterator[Frame]) -> Frame | None:
        """Take a new model if one is ready, then the next frame; None at the end."""
        self.look()
        return next(frames, None)

    def look(self) -> None:
        """Take a new model that is ready; see whether there is another file."""
        if self._loading is not None and not self._loading.is_alive():
            self._loading = None
            if self._loaded is not None:
                self.current, self._loaded = self._loaded, None
                self._say(f"{self._path}: a new model runs, {self.current.model.sha256[:12]}")
        if self._loading is None and clock.now() >= self._look_at:
            self._look_at = clock.now() + self._look_every
            self._look_for_another()

    def _look_for_another(self) -> None:
        stamp = self._read_stamp()
        if stamp is None or stamp == self._stamp:
            return
        self._stamp = stamp
        self._loading = threading.Thread(target=self._try, name="model", daemon=True)
        self._loading.start()

    def _try(self) -> None:
        try:
            classifier = self._load(self._path)
            if classifier.model.sha256 == self.current.model.sha256:
                return
            if classifier.model.card and classifier.model.card.golden:
                _check(classifier)
            self._loaded = classifier
        except EdgeError as error:
            self._say(f"the new model is refused, the old one runs on: {error}")
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the new one, the old one runs on
            self._say(f"{self._path}: the new model is refused, the old one runs on: {error!r:.200}")

    def _read_stamp(self) -> Stamp | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size


def _check(classifier: Classifier) -> None:
    outcome = run_self_test(classifier)
    if not outcome.passed:
        raise ModelError(f"{classifier.model.name}: the self-test failed: {outcome}")
