"""The process of one target: reads requests as lines on stdin, writes replies to stdout.

python -m benchmarks.measurement.worker
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import numpy as np

from benchmarks.measurement.messages import (
    AskMemory,
    AskOperators,
    Burst,
    Done,
    Load,
    Loaded,
    Memory,
    Message,
    Operators,
    Prepare,
    Refused,
    ScoreImages,
    Timed,
    TimedImage,
)
from benchmarks.measurement.wire import format_message, parse_message
from benchmarks.targets import Target, load_target
from edge_runtime.core import EdgeError, Image, UsageError, clock
from edge_runtime.datasets import open_reader
from edge_runtime.images import decode_image


class Worker:
    """A loaded target and the images that it is timed on."""

    def __init__(self) -> None:
        self._target: Target | None = None
        self._images: list[bytes] = []
        self._readers: dict[str, Callable[[str, int], Image]] = {}

    def answer(self, request: Message) -> Message:
        """The reply to a request.

        Raises:
            EdgeError: the target failed.
        """
        if isinstance(request, Load):
            return self._load(request)
        if isinstance(request, Prepare):
            self._images = [Path(path).read_bytes() for path in request.paths]
            return Done()
        if isinstance(request, Burst):
            return self._burst(request)
        if isinstance(request, ScoreImages):
            return self._score(request)
        if isinstance(request, AskMemory):
            return _memory()
        if isinstance(request, AskOperators):
            return Operators(tuple(self._loaded.operators()))
        raise UsageError(f"unexpected request: {type(request).__name__}")

    @property
    def _loaded(self) -> Target:
        if self._target is None:
            raise UsageError("a request before Load")
        return self._target

    def _load(self, request: Load) -> Loaded:
        """Load the target and classify one image file: the cold start."""
        started = clock.now()
        target = self._target = load_target(request.spec)
        loaded = clock.now()
        target.scores(self._decode(Path(request.image).read_bytes()))
        answered = clock.now()
        return Loaded(
            load_ms=clock.milliseconds(started, loaded),
            first_ms=clock.milliseconds(loaded, answered),
            answered_at=answered,
            engine=target.engine,
            num_threads=target.num_threads,
            size_bytes=target.size_bytes,
        )

    def _burst(self, request: Burst) -> Timed:
        """Time some images in a row; one before them wakes the processor and is not counted."""
        count = len(self._images)
        self._time(self._images[(request.first - 1) % count])
        cpu = time.process_time()
        numbers = range(request.first, request.first + request.count)
        images = tuple(self._time(self._images[number % count]) for number in numbers)
        return Timed(images, time.process_time() - cpu)

    def _score(self, request: ScoreImages) -> Done:
        """Classify images; write float32 scores, shape (images, classes), as `.npy`."""
        if request.data not in self._readers:
            self._readers[request.data] = open_reader(request.data)
        load, target = self._readers[request.data], self._loaded
        rows = [target.scores(load(file, target.at_least)) for file in request.files]
        np.save(request.out, np.stack(rows), allow_pickle=False)
        return Done()

    def _decode(self, content: bytes) -> Image:
        return decode_image(content, at_least=self._loaded.at_least)

    def _time(self, content: bytes) -> TimedImage:
        started = clock.now()
        image = self._decode(content)
        decoded = clock.now()
        steps = self._loaded.steps(image)
        total = clock.milliseconds(decoded, clock.now())
        return TimedImage(
            decode=clock.milliseconds(started, decoded),
            resize=steps.resize,
            invoke=steps.invoke,
            postprocess=steps.postprocess,
            total=total,
        )


def serve(requests: TextIO, replies: TextIO) -> None:
    """Reply until the requests end."""
    worker = Worker()
    for line in requests:
        try:
            reply = worker.answer(parse_message(line))
        except EdgeError as error:
            reply = Refused(str(error), int(error.exit_code))
        replies.write(format_message(reply))
        replies.flush()


def _memory() -> Memory:
    status = Path("/proc/self/status").read_text()
    sizes = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if line.startswith("Vm")}
    return Memory(int(sizes["VmRSS"]) * 1024, int(sizes["VmHWM"]) * 1024)


if __name__ == "__main__":
    # Libraries print on stdout too: the replies get a descriptor of their own.
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, own)
