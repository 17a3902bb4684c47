"""How often the gate errs on this machine: the same model again and again, and a fifth slower.

    python -m benchmarks.studies.false_alarms RUN MODEL.tflite [COUNT]

Whole reports are measured and compared with a first one, as `edge-bench run` and `edge-bench compare` do. A
machine on which the gate is to be trusted prints 0 alarms for the same and COUNT for the slower one.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.benchmark import measure_report
from benchmarks.gates import Limits, compare_reports
from benchmarks.measurement.evaluation_set import find_held_out
from benchmarks.measurement.timing import Plan
from benchmarks.report import Report
from benchmarks.targets.targets import plan_targets
from converter import read_run
from edge_runtime.core.progress import Reporter

_SLOWER = """
import time
from edge_runtime.inference.classifier import Classifier

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
    """Print every comparison with the first report, and how many set off the alarm."""
    trained = read_run(run)
    specs = plan_targets(run, [model], [None], [None])
    alarms = {"same": 0, "slower": 0}
    with Reporter() as reporter:
        pictures = find_held_out(trained, None)

        def report() -> Report:
            return measure_report(trained, specs, pictures, Plan(), reporter=reporter)[0]

        baseline = report()
        for number in range(1, count + 1):
            same = report()
            with slower():
                slow = report()
            for name, current in (("same", same), ("slower", slow)):
                checks = compare_reports(baseline, current, Limits())
                broken = [f"{check.target}: {check.rule}" for check in checks if not check.passed]
                alarms[name] += bool(broken)
                times = [f"{check.target} {check.change}" for check in checks if "time" in check.rule]
                reporter.say(
                    f"{number} {name}: {', '.join(times)} {'ALARM ' if broken else ''}{'; '.join(broken)}"
                )
    print(f"alarms: same {alarms['same']} of {count}, slower {alarms['slower']} of {count}")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 20)
