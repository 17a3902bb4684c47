"""How often the gate errs on this machine: the same model again and again, and a fifth slower.

    python -m benchmarks.noise RUN MODEL.tflite [COUNT]

A machine on which the gate is to be trusted prints 0 alarms for the same and COUNT for the slower one.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.held_out import HeldOut, find_held_out
from benchmarks.measure import Plan, measure
from benchmarks.statistics import Samples, change_of_time
from benchmarks.targets import Kind, TargetSpec
from converter import read_run
from edge_runtime.progress import Reporter

LIMIT = 1.10

_SLOWER = """
import time
from edge_runtime.classifier import Classifier

observe = Classifier.observe

def slower(self, frame, top_k=5):
    started = time.perf_counter()
    result = observe(self, frame, top_k)
    ended = time.perf_counter() + 0.2 * (time.perf_counter() - started)
    while time.perf_counter() < ended:
        pass
    return result

Classifier.observe = slower
"""


def rounds_of(model: Path, pictures: HeldOut, reporter: Reporter) -> Samples:
    """One run: milliseconds of the model and of the yardstick in each round, shape (rounds, 2)."""
    spec = TargetSpec("model", Kind.MODEL_FILE, str(model))
    found, yardstick = measure([spec], pictures, Plan(), reporter)
    return np.column_stack([found.rounds, yardstick.rounds])


@contextmanager
def slower() -> Iterator[None]:
    """Every process that is started meanwhile takes a fifth longer to classify."""
    before = os.environ.get("PYTHONPATH")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sitecustomize.py").write_text(_SLOWER)
        os.environ["PYTHONPATH"] = folder
        try:
            yield
        finally:
            os.environ.pop("PYTHONPATH")
            if before is not None:
                os.environ["PYTHONPATH"] = before


def main(run: Path, model: Path, count: int) -> None:
    """Print every comparison with the first run, and how many set off the alarm."""
    with Reporter() as reporter:
        pictures = find_held_out(read_run(run), None)
        baseline = rounds_of(model, pictures, reporter)
        alarms = {"same": 0, "slower": 0}
        for number in range(1, count + 1):
            same = rounds_of(model, pictures, reporter)
            with slower():
                slow = rounds_of(model, pictures, reporter)
            for name, rounds in (("same", same), ("slower", slow)):
                change = change_of_time(rounds, baseline)
                alarm = change.value > LIMIT and change.low > 1
                alarms[name] += alarm
                reporter.say(
                    f"{number} {name}: ×{change.value:.3f} ({change.low:.3f}–{change.high:.3f}) "
                    + ("ALARM" if alarm else "")
                )
    print(f"alarms: same {alarms['same']} of {count}, slower {alarms['slower']} of {count}")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 20)
