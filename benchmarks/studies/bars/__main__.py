"""Measure the toolkit itself, and end with exit code 9 where a value is not within its bar.

    python -m benchmarks.studies.bars [PHOTOS WEIGHTS]

PHOTOS contains a folder of images for each class, WEIGHTS a MobileNetV2 1.0 without its top; without them the
bars of training on photos are left out.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks.measurement import describe_machine
from benchmarks.studies.bars import bars_table, measure_device, measure_photos, measure_workstation
from edge_runtime.core import ExitCode


def main(*photos_and_weights: str) -> int:
    """Print one table; returns the exit code."""
    bars = []
    with tempfile.TemporaryDirectory() as folder:
        measures = [measure_device(Path(folder)), measure_workstation(Path(folder))]
        if photos_and_weights:
            photos, weights = photos_and_weights
            measures.append(measure_photos(Path(photos), Path(weights)))
        for measure in measures:
            for bar in measure:
                bars.append(bar)
                sys.stderr.write(f"{bar.name}: {bar.measured:.3g}\n")
    machine = describe_machine()
    print(bars_table(bars))  # noqa: T201
    print(f"\n{machine.processor}, {machine.cores} cores, {machine.system}.")  # noqa: T201
    return ExitCode.DONE if all(bar.passed for bar in bars) else ExitCode.GATE


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
