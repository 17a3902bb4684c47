"""How often `edge-bench history` marks a change, on series that are made for it.

    python -m benchmarks.studies.change_points [COUNT]

Series of 20 reports with 2 % noise from day to day: equal ones, and ones in which the time rises by a fifth,
or by 3 % with each report, from the eleventh on.
"""

import sys

import numpy as np

from benchmarks.history import Limits, find_changes

REPORTS, CHANGE_AT, NOISE, WITHIN = 20, 10, 0.02, 5


def main(count: int) -> None:
    """Print how many series of each kind are marked."""
    day = np.arange(REPORTS)
    step = np.where(day < CHANGE_AT, 0.0, np.log(1.2))
    drift = np.log(1.03) * np.maximum(0, day - CHANGE_AT + 1)
    for name, change, known in (
        ("equal", np.zeros(REPORTS), REPORTS),
        ("a fifth slower", step, REPORTS),
        (f"a fifth slower, {WITHIN} reports after it", step, CHANGE_AT + WITHIN),
        ("3 % more with each report", drift, REPORTS),
    ):
        marked = near = 0
        for seed in range(count):
            noise = np.random.default_rng(seed).normal(0, NOISE, REPORTS)
            points = find_changes((change + noise)[:known], float(np.log1p(Limits().change)))
            marked += bool(points)
            near += bool(points) and abs(points[0].at - CHANGE_AT) <= WITHIN
        print(f"{name}: {marked} of {count} marked, {near} within {WITHIN} reports of the eleventh")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
