"""Replace the model while frames are classified, when its file is replaced; a bad file is refused."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from edge_runtime.core import EdgeError, Frame, Result, Say, clock
from edge_runtime.inference import LoadedModel, check_self_test

LOOK_EVERY = 2.0
"""Seconds between two looks at the file."""

Load = Callable[[LoadedModel | None], LoadedModel]
"""Loads the model file; called with the model that runs now, None at the start."""

_Stamp = tuple[int, int, int]


class HotReload:
    """A model whose file may be replaced (by rename, as every durable copy does).

    A new file is loaded in a background thread: sandbox, labels, self-test. Between two frames it replaces
    the current model.

    Args:
        path: of the model file.
        load: loads it.
        say: shows a line when a file is taken or refused.
        look_every: seconds between two looks.
        swapped: called with each model that runs from now on, the first one too; may raise `EdgeError`.

    Attributes:
        current: the model that runs now.
    """

    def __init__(
        self,
        path: Path,
        load: Load,
        *,
        say: Say,
        look_every: float = LOOK_EVERY,
        swapped: Callable[[LoadedModel], None] = lambda _model: None,
    ) -> None:
        self._path = path
        self._load = load
        self._say = say
        self._look_every = look_every
        self._swapped = swapped
        self._stamp = self._read_stamp()
        self._look_at = clock.now() + look_every
        self._loading: threading.Thread | None = None
        self._loaded: LoadedModel | None = None
        self.current = load(None)
        swapped(self.current)

    def observe_all(self, frames: Iterator[Frame | None], top_k: int) -> Iterator[Result | None]:
        """The stage of the pipeline: classify each frame with the model that is current then."""
        for frame in self.frames(frames):
            yield None if frame is None else self.current.classifier.observe(frame, top_k)

    def frames(self, frames: Iterator[Frame | None]) -> Iterator[Frame | None]:
        """The frames, with a look at the file before each is taken: the source decodes it for this model."""
        while True:
            self.look()
            try:
                frame = next(frames)
            except StopIteration:
                return
            yield frame

    def look(self) -> None:
        """Take a new model that is ready; check whether the file was replaced."""
        if self._loading is not None and not self._loading.is_alive():
            self._loading = None
            if self._loaded is not None:
                self.current, self._loaded = self._loaded, None
                self._say(f"{self._path}: a new model runs, {self.current.file.sha256[:12]}")
                try:
                    self._swapped(self.current)
                except EdgeError as error:
                    self._say(str(error))
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
            model = self._load(self.current)
            if model.file.sha256 == self.current.file.sha256:
                return
            check_self_test(model.file, model.classifier)
            self._loaded = model
        except EdgeError as error:
            self._say(f"the new model is refused, the old one stays: {error}")
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the new one, the old one stays
            self._say(f"{self._path}: the new model is refused, the old one stays: {error!r:.200}")

    def _read_stamp(self) -> _Stamp | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size
