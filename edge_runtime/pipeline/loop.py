"""The stages at the end of the pipeline: limit the frames, classify, decide, emit."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from edge_runtime.core import Frame, Result
from edge_runtime.pipeline.smoothing import Decision
from edge_runtime.sinks import Sink


class Observer(Protocol):
    """Classifies frames: a `Classifier`, a `HotReload` or a `WorkerPool`."""

    def observe_all(self, frames: Iterator[Frame | None], top_k: int) -> Iterator[Result | None]:
        """Classify frames in their order, and time each step; None passes through."""
        ...


Stage = Callable[[Iterator[Result | None]], Iterator[Result | None]]
"""A stage that results pass through."""


def shorten(results: Iterator[Result | None], top_k: int) -> Iterator[Result | None]:
    """A stage: no result has more than `top_k` predictions."""
    for result in results:
        if result is not None and len(result.predictions) > top_k:
            result = replace(result, predictions=result.predictions[:top_k])
        yield result


def limit(frames: Iterator[Frame | None], count: int | None) -> Iterator[Frame | None]:
    """A stage: the first `count` frames, all when None; no frame more is taken."""
    left = count
    for frame in frames:
        yield frame
        if left is not None and frame is not None:
            left -= 1
            if not left:
                return


def emit(results: Iterator[Result | None], sinks: Sequence[Sink]) -> Iterator[Result | None]:
    """A stage: give every result to every sink, and pass it on."""
    for result in results:
        if result is not None:
            for sink in sinks:
                sink.emit(result)
        yield result


def classify_frames(
    frames: Iterable[Frame | None],
    classifier: Observer,
    sinks: Sequence[Sink],
    *,
    top_k: int = 3,
    decision: Decision | None = None,
    max_frames: int | None = None,
) -> int:
    """Classify frames until the source ends.

    Args:
        frames: a source, or its events.
        classifier: the model.
        sinks: each gets every result.
        top_k: how many predictions a result has, best first.
        decision: decides on the answer; each frame's best label when None.
        max_frames: stop after this many; never when None.

    Returns:
        The number of frames classified.
    """
    decide = decision or Decision()
    observed = classifier.observe_all(limit(iter(frames), max_frames), top_k)
    return sum(result is not None for result in emit(decide(observed), sinks))
