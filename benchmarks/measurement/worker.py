"""One target in a process of its own: reads requests as JSON lines on stdin, answers on stdout.

python -m benchmarks.measurement.worker
"""

import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from benchmarks.targets.targets import Target, TargetSpec, load_target
from edge_runtime import Dataset, EdgeError, Image, decode_image
from edge_runtime.core import clock
from edge_runtime.datasets.layouts import open_dataset

Reply = dict[str, Any]


class Session:
    """A loaded target and the pictures that it is timed on."""

    def __init__(self) -> None:
        self._target: Target | None = None
        self._pictures: list[bytes] = []
        self._dataset: Dataset | None = None

    @property
    def target(self) -> Target:
        """What `load` loaded."""
        assert self._target is not None  # noqa: S101 - the parent loads first
        return self._target

    def load(self, spec: dict[str, Any], picture: str) -> Reply:
        """Load the target and classify one picture file: the cold start."""
        started = clock.now()
        self._target = load_target(TargetSpec(**spec))
        loaded = clock.now()
        self.target.scores(self._decode(Path(picture).read_bytes()))
        answered = clock.now()
        return {
            "load_ms": clock.milliseconds(started, loaded),
            "first_ms": clock.milliseconds(loaded, answered),
            "answered_at": answered,
            "engine": self.target.engine,
            "num_threads": self.target.num_threads,
            "size_bytes": self.target.size_bytes,
        }

    def pictures(self, paths: Sequence[str]) -> Reply:
        """Read the picture files that bursts go through."""
        self._pictures = [Path(path).read_bytes() for path in paths]
        return {}

    def burst(self, first: int, count: int) -> Reply:
        """Time some pictures in a row; one before them wakes the processor and is not counted."""
        self._time(self._pictures[(first - 1) % len(self._pictures)])
        cpu = time.process_time()
        rows = [
            self._time(self._pictures[number % len(self._pictures)]) for number in range(first, first + count)
        ]
        return {"rows": rows, "cpu_seconds": time.process_time() - cpu}

    def memory(self) -> Reply:
        """Resident memory now and at its highest, in bytes."""
        status = Path("/proc/self/status").read_text()
        sizes = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if line.startswith("Vm")}
        return {"resident": int(sizes["VmRSS"]) * 1024, "peak": int(sizes["VmHWM"]) * 1024}

    def operators(self) -> Reply:
        """Where the time goes inside the model, as the engine tells it."""
        return {"operators": [dataclasses.asdict(each) for each in self.target.operators()]}

    def scores(self, data: str, files: Sequence[str], out: str) -> Reply:
        """Classify pictures of a data set; write float32 scores, shape (pictures, classes), as `.npy`."""
        if self._dataset is None or str(self._dataset.root) != data:
            self._dataset = open_dataset(data)
        dataset = self._dataset
        rows = [self.target.scores(dataset.load(file, self.target.at_least)) for file in files]
        np.save(out, np.stack(rows), allow_pickle=False)
        return {}

    def _decode(self, content: bytes) -> Image:
        return decode_image(content, at_least=self.target.at_least)

    def _time(self, content: bytes) -> list[float]:
        """Milliseconds: decode, resize, invoke, postprocess, and from the decoded picture to the answer."""
        started = clock.now()
        image = self._decode(content)
        decoded = clock.now()
        steps = self.target.steps(image)
        total = clock.milliseconds(decoded, clock.now())
        return [clock.milliseconds(started, decoded), *dataclasses.astuple(steps), total]


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer until the requests end."""
    session = Session()
    for line in requests:
        request = json.loads(line)
        do: Callable[..., Reply] = getattr(session, request.pop("do"))
        try:
            reply = do(**request)
        except EdgeError as error:
            reply = {"error": str(error), "exit_code": int(error.exit_code)}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


if __name__ == "__main__":
    # Libraries print on stdout too: the answers get a descriptor of their own.
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, own)
