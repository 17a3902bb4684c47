"""The loop of the device: frame → result → sinks."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Protocol

from edge_runtime.decisions import Decision
from edge_runtime.sinks.base import Sink
from edge_runtime.values import Frame, Result


class Observer(Protocol):
    """What classifies a frame: a `Classifier`, or one that is exchanged while it works."""

    def observe(self, frame: Frame, top_k: int) -> Result:
        """Classify a frame and time each step."""
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
    for frame in islice(frames, max_frames):
        result = decision.decide(classifier.observe(frame, top_k))
        for sink in sinks:
            sink.emit(result)
        count += 1
        if done:
            done(result)
    return count
