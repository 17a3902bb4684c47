"""False alarms of `edge-bench compare` on this machine: the same model again and again, and a fifth slower.

    python -m benchmarks.studies.false_alarms RUN MODEL.tflite [COUNT]

Complete reports are measured and compared with a first one, as `edge-bench run` and `edge-bench compare` do.
A machine whose comparisons can be trusted prints 0 alarms for the same model and COUNT for the slower one.
"""

import dataclasses
import sys
from pathlib import Path

from benchmarks.benchmark import measure_report, subject_of
from benchmarks.gates import Limits, compare_reports
from benchmarks.measurement import TimingPlan, find_evaluation_set
from benchmarks.report import Report
from benchmarks.targets import plan_keras, plan_models
from edge_runtime.core import Reporter
from edge_runtime.datasets import read_run

SLOWDOWN = 1.2


def main(run: Path, model: Path, count: int) -> None:
    """Print every comparison with the first report, and the number of alarms."""
    trained = read_run(run)
    images = find_evaluation_set(trained, None)
    specs = [*plan_keras(run), *plan_models([model], [None], [None])]
    alarms = {"same": 0, "slower": 0}
    with Reporter() as reporter:

        def report(slowdown: float = 1.0) -> Report:
            slowed = [*specs[:-1], dataclasses.replace(specs[-1], slowdown=slowdown)]
            return measure_report(subject_of(trained, images), slowed, TimingPlan(), reporter=reporter)[0]

        baseline = report()
        for number in range(1, count + 1):
            for name, current in (("same", report()), ("slower", report(SLOWDOWN))):
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
