"""The overhead of the toolkit over the interpreter, from a frame to the line with its result.

    python -m benchmarks.studies.overhead MODEL.tflite

Measured in turns on the same frames of 640×480: the toolkit; the same steps written by hand with OpenCV,
numpy and json; the interpreter's `invoke` alone.
"""

import dataclasses
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import TextIO

import numpy as np

from benchmarks.measurement import describe_machine
from edge_runtime.core import Frame, clock, markdown_table
from edge_runtime.images import opencv
from edge_runtime.inference import Classifier, LoadOptions, load_classifier
from edge_runtime.pipeline import Decision
from edge_runtime.sinks import JsonLinesSink
from edge_runtime.sources import SyntheticSource

FRAME_SIZE = (480, 640)
FRAMES = 20
TOP_K = 3


@dataclass(frozen=True)
class Block:
    """Medians over some frames, in milliseconds."""

    whole: float
    by_hand: float
    invoke: float


def measure_overhead(model: Path, num_threads: int, blocks: int) -> list[Block]:
    """Time all three, frame by frame in turns.

    Raises:
        EdgeError: the model cannot be used.
    """
    classifier = load_classifier(model, LoadOptions(num_threads=num_threads))
    frames = list(islice(SyntheticSource(FRAME_SIZE), FRAMES))
    with Path(os.devnull).open("w") as nowhere:
        _block(classifier, frames, nowhere)  # imports, allocates and warms up
        return [_block(classifier, frames, nowhere) for _ in range(blocks)]


def _block(classifier: Classifier, frames: list[Frame], stream: TextIO) -> Block:
    spec = classifier.engine.input
    tensor = np.random.default_rng(0).integers(0, 256, spec.shape).astype(spec.dtype)
    decision, sink = Decision(), JsonLinesSink(stream)
    whole, by_hand, invoke = [], [], []
    for frame in frames:
        # Copied, since a source gives an image that has just been written.
        whole.append(
            _seconds(_fresh(frame), lambda new: sink.emit(decision.decide(classifier.observe(new, TOP_K))))
        )
        by_hand.append(_seconds(_fresh(frame), lambda new: _by_hand(classifier, new, stream)))
        invoke.append(_seconds(frame, lambda _: classifier.engine.invoke(tensor)))
    return Block(*(1000 * median(each) for each in (whole, by_hand, invoke)))


def _fresh(frame: Frame) -> Frame:
    return dataclasses.replace(frame, image=frame.image.copy())


def _seconds(frame: Frame, work: Callable[[Frame], object]) -> float:
    started = clock.now()
    work(frame)
    return clock.now() - started


def _by_hand(classifier: Classifier, frame: Frame, stream: TextIO) -> None:
    """The steps of a script: halve, resize, invoke, take the best, print a line."""
    cv2, (height, width) = opencv(), classifier.size
    image = frame.image
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        image = cv2.resize(image, (image.shape[1] // 2, image.shape[0] // 2), interpolation=cv2.INTER_AREA)
    image = cv2.resize(image, (width, height))
    scores = classifier.engine.invoke(image[np.newaxis])[0]
    best = [
        {"label": classifier.labels[index], "score": float(scores[index])}
        for index in np.argsort(scores)[: -TOP_K - 1 : -1]
    ]
    stream.write(json.dumps({"frame": frame.index, "predictions": best}) + "\n")
    stream.flush()


def main(model: Path) -> None:
    """Print one table."""
    rows = []
    for num_threads in (1, 2):
        blocks = measure_overhead(model, num_threads, blocks=15)
        ratios = [block.whole / block.invoke for block in blocks]
        rows.append(
            [
                str(num_threads),
                *(
                    f"{median(getattr(b, name) for b in blocks):.3g}"
                    for name in ("whole", "by_hand", "invoke")
                ),
                f"{median(ratios):.3f} ({min(ratios):.3f}–{max(ratios):.3f})",
                f"{median(block.whole / block.by_hand for block in blocks):.3f}",
            ]
        )
    machine = describe_machine()
    columns = ("threads", "whole ms", "by hand ms", "invoke ms", "whole / invoke", "whole / by hand")
    print(markdown_table(columns, rows))  # noqa: T201
    print(f"\n{machine.processor}, {machine.cores} cores, {machine.system}.")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
