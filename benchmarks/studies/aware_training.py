"""Other ranges, and quantization-aware training: how close int8 comes to the float model, in what time.

    python -m benchmarks.studies.aware_training STEPS RUN [RUN …]

Each run of `edge-train` is converted with the whole ranges (`--calibrate minmax`) and without outliers (mse,
the default), each without the training and with so many steps of it. Prints the comparison with the Keras
model on the run's held-out images, and the seconds of the whole conversion.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from converter import Calibration, ConvertConfig, convert
from edge_runtime.core import Reporter, clock, markdown_table
from edge_runtime.datasets import read_run

COLUMNS = ("run", "ranges", "steps", "images", "float", "int8", "agreement", "KL divergence", "seconds")


def main(steps: int, runs: Sequence[Path]) -> None:
    """Print four rows for each run."""
    methods = (Calibration.MINMAX, Calibration.MSE)
    rows = [measure(run, method, number) for run in runs for number in (0, steps) for method in methods]
    print(markdown_table(COLUMNS, rows))  # noqa: T201


def measure(run: Path, calibrate: Calibration, steps: int) -> tuple[str, ...]:
    """Convert, and compare."""
    started = clock.now()
    with Reporter() as reporter:
        (done,) = convert(
            read_run(run), ConvertConfig(run=run, calibrate=calibrate, qat_steps=steps), reporter
        )
    seconds, compared = clock.now() - started, done.comparison
    values = (compared.float_accuracy, compared.accuracy, compared.agreement, compared.kl_divergence)
    return (
        run.name,
        calibrate,
        str(steps),
        str(compared.count),
        *(f"{each:.4f}" for each in values),
        f"{seconds:.0f}",
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), [Path(each) for each in sys.argv[2:]])
