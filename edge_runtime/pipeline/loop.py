"""The loop of the device: frame → result → sinks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol

from edge_runtime.core.types import Frame, Result
from edge_runtime.pipeline.smoothing import Decision
from edge_runtime.sinks.base import Sink


class Observer(Protocol):
    """What classifies frames: a `Classifier`, one that is exchanged while it works, or several at once."""

    def observe_all(self, frames: Iterable[Frame], top_k: int) -> Iterator[Result]:
        """Classify frames in their order, and time each step."""
        ...


def classify_frames(
    frames: Iterable[Frame],
    classifier: Observer,
    sinks: Sequence[Sink],
    *,
    top_k: int = 3,
    decision: Decision | None = None,
    max_frames: int | None = None,
    done: Callable[[Result], None] | None = None,
) -> int:
    """Classify frames until the source ends.

    Args:
        frames: a source.
        classifier: the model.
        sinks: each gets every result.
        top_k: how many predictions a result carries, best first.
        decision: decides on the answer; each frame's best label when None.
        max_frames: stop after so many; never when None.
        done: called with each result after the sinks have got it.

    Returns:
        The number of frames classified.
    """
    decision = decision or Decision()
    count = 0
    for observed in classifier.observe_all(islice(frames, max_frames), top_k):
        result = decision.decide(observed)
        for sink in sinks:
            sink.emit(result)
        count += 1
        if done:
            done(result)
    return count
