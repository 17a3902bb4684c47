"""`edge-train --field` beside its defaults: accuracy on clean and on corrupted photos, of Keras and int8.

    python -m benchmarks.studies.field_training FOLDER [SEEDS]

FOLDER contains `alpaca/` and MobileNetV2's weights without top at alpha 0.35. With each seed half of the
photos are trained on (a fifth of these for validation), the others are the test: `edge-train` with and
without `--field`, `edge-convert`, `edge-bench run --corruptions`. Prints a row for each seed and way, and
the mean differences with their 95 % intervals over the seeds.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.report import read_report
from benchmarks.studies.commands import run_tool
from benchmarks.studies.few_images import interval
from edge_runtime.core import markdown_table

SEEDS = 10
WAYS: tuple[tuple[str, Sequence[object]], ...] = (("defaults", ()), ("--field", ("--field",)))
COLUMNS = ("clean, Keras", "clean, int8", "corrupted, Keras", "corrupted, int8")


def main(folder: Path, seeds: int) -> None:
    """Measure and print the tables."""
    print(markdown_table(("seed", "way", *COLUMNS), []), flush=True)  # noqa: T201
    rows = []
    for seed in range(1, seeds + 1):
        row = []
        for name, options in WAYS:
            row.append(measure(folder, seed, options))
            cells = " | ".join(f"{value:.4f}" for value in row[-1])
            print(f"| {seed} | {name} | {cells} |", flush=True)  # noqa: T201
        rows.append(row)
    found = np.array(rows)
    changes = found[:, 1] - found[:, 0]
    table = [
        *((name, *map(interval, found[:, number].T)) for number, (name, _options) in enumerate(WAYS)),
        ("difference", *map(interval, changes.T)),
    ]
    print("\n" + markdown_table(("mean", *COLUMNS), table))  # noqa: T201


def measure(folder: Path, seed: int, options: Sequence[object]) -> tuple[float, ...]:
    """Train, convert and benchmark; the accuracies of `COLUMNS` on the test photos."""
    weights = folder / "mobilenet_v2_0.35_no_top.weights.h5"
    common = ("--weights", weights, "--alpha", 0.35, "--test-split", 0.5, "--reject", "off", "--seed", seed)
    with tempfile.TemporaryDirectory() as work:
        run, model, report = Path(work) / "run", Path(work) / "photos.tflite", Path(work) / "report"
        run_tool("edge-train", folder / "alpaca", *common, *options, "--out", run)
        # The study measures what int8 costs: nothing is refused for it.
        run_tool("edge-convert", run, "--out", model, "--max-drop", 1, "--min-agreement", 0)
        quick = ("--num-runs", 10, "--min-seconds", 0, "--processes", 1)
        run_tool("edge-bench", "run", run, model, "--corruptions", *quick, "--out", report)
        keras, int8 = read_report(report / "report.json").targets
    return (
        keras.accuracy.top1.value,
        int8.accuracy.top1.value,
        keras.corrupted_accuracy(),
        int8.corrupted_accuracy(),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else SEEDS)
