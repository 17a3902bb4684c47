"""The stage of the pipeline that saves the frames worth a label, at a bounded cost."""

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from edge_runtime.collection.choosing import Chooser
from edge_runtime.collection.descriptor import Describer
from edge_runtime.collection.entry import Entry
from edge_runtime.collection.folder import CollectionFolder, Limits
from edge_runtime.collection.novelty import Appearance, Kept
from edge_runtime.collection.selection import Flicker
from edge_runtime.core import Image, ModelError, Result, Say, clock
from edge_runtime.images import has_telling_hash, perceptual_hash
from edge_runtime.inference import LoadedModel

MAX_COST = 0.02
"""Fraction of the time that looking at frames and saving them may take."""


class Pace:
    """Says when the next frame may be looked at, and saved.

    Args:
        seconds_apart: at least so many seconds between two saved frames.
        every_frame: look at every frame, whatever it costs: the input ends anyway.
    """

    def __init__(self, seconds_apart: float, *, every_frame: bool) -> None:
        self._seconds_apart = seconds_apart
        self._every_frame = every_frame
        self._next_look = -math.inf
        self._next_save = -math.inf
        self._started = 0.0

    def begin(self, at: float) -> bool:
        """Whether a frame captured at a time may be looked at now; its cost is measured from here."""
        if at < self._next_save:
            return False
        now = clock.now()
        if now < self._next_look:
            return False
        self._started = now
        return True

    def end(self, at: float, *, saved: bool) -> None:
        """Note that the look is over."""
        now = clock.now()
        if not self._every_frame:
            self._next_look = now + (now - self._started) / MAX_COST
        if saved:
            self._next_save = at + self._seconds_apart


class Collector:
    """Saves frames for labelling; see `selection` for which ones.

    Args:
        folder: of the collection; it is created.
        limits: for it.
        seconds_apart: at least so many seconds between two saved frames.
        model: returns the model that runs now.
        say: shows a line that the user should know.
        every_frame: look at every frame, as for an input that ends.
        seed: of the random frames.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        *,
        seconds_apart: float,
        model: Callable[[], LoadedModel],
        say: Say,
        every_frame: bool = False,
        seed: int | None = None,
    ) -> None:
        self._folder = CollectionFolder(folder, limits, say)
        self._pace = Pace(seconds_apart, every_frame=every_frame)
        self._model = model
        self._flicker = Flicker()
        self._chooser = Chooser(self._folder, seed)
        self._view: ModelView | None = None

    def __call__(self, results: Iterator[Result | None]) -> Iterator[Result | None]:
        """The stage: every result passes through; None too.

        The results have two predictions or more, below the threshold too.
        """
        for result in results:
            if result is not None:
                self._flicker.add(result.answer)
                if self._pace.begin(result.frame.captured_at):
                    saved = self._consider(result)
                    self._pace.end(result.frame.captured_at, saved=saved)
            yield result

    def _consider(self, result: Result) -> bool:
        """Save the frame if it is worth it.

        Returns:
            Whether it was saved.
        """
        if result.pixels is None:
            return False
        model = self._model()
        if self._view is None or self._view.model is not model:
            self._view = ModelView(model, self._folder.entries.values())
        view, pixels, frame = self._view, result.pixels, result.frame
        entry = Entry(
            file=f"{clock.file_stamp(frame.wall_time)}-{frame.index}.jpg",
            time=frame.wall_time,
            camera=frame.source,
            model=model.file.sha256,
            answer=result.answer,
            scores={each.label: round(each.score, 4) for each in result.predictions},
        )
        return self._chooser.choose(
            entry,
            result.predictions,
            view.kept,
            lambda: view.look(pixels),
            frame.image,
            flickers=self._flicker.flickers,
        )


class ModelView:
    """What frames look like to one model, and the looks of the kept frames.

    Args:
        model: the model that runs.
        entries: the kept frames.

    Attributes:
        model: see the argument.
        kept: the looks of the kept frames.
    """

    def __init__(self, model: LoadedModel, entries: Iterable[Entry]) -> None:
        self.model = model
        self.kept = Kept(entries, model.file.sha256)
        self._describer: Describer | None = None
        with contextlib.suppress(ModelError):  # then frames are compared by their hashes
            self._describer = Describer(model)

    def look(self, pixels: Image) -> Appearance:
        """What an image looks like: uint8 RGB at the model's size."""
        descriptor = self._describer.describe(pixels) if self._describer else None
        return Appearance(perceptual_hash(pixels) if has_telling_hash(pixels) else None, descriptor)
