"""The loop of the device: frame → result → sinks."""

import dataclasses
from collections.abc import Iterable, Sequence
from itertools import islice

from edge_runtime.classifier import Classifier
from edge_runtime.sinks import Sink
from edge_runtime.values import Frame


def classify_frames(
    frames: Iterable[Frame],
    classifier: Classifier,
    sinks: Sequence[Sink],
    *,
    top_k: int = 3,
    threshold: float = 0.0,
    max_frames: int | None = None,
) -> int:
    """Classify frames until the source ends.

    Args:
        frames: a source.
        classifier: the model.
        sinks: each gets every result.
        top_k: how many predictions a result carries, best first.
        threshold: predictions with a lower score are left out; none left means unknown.
        max_frames: stop after so many; never when None.

    Returns:
        The number of frames classified.
    """
    count = 0
    for frame in islice(frames, max_frames):
        result = classifier.observe(frame, top_k)
        sure = tuple(each for each in result.predictions if each.score >= threshold)
        for sink in sinks:
            sink.emit(dataclasses.replace(result, predictions=sure))
        count += 1
    return count
