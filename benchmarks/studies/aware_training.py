"""Quantization-aware training: how close int8 comes to the float model, and how long it takes.

    python -m benchmarks.studies.aware_training STEPS RUN [RUN …]

Each run of `edge-train` is converted without the training and with so many steps of it. Prints the comparison
with the Keras model on the run's held-out images, and the seconds of the whole conversion.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from converter import ConvertConfig, convert
from edge_runtime.core import Reporter, clock, markdown_table
from edge_runtime.datasets import read_run

COLUMNS = ("run", "steps", "images", "float", "int8", "agreement", "KL divergence", "seconds")


def main(steps: int, runs: Sequence[Path]) -> None:
    """Print two rows for each run."""
    rows = [measure(run, number) for run in runs for number in (0, steps)]
    print(markdown_table(COLUMNS, rows))  # noqa: T201


def measure(run: Path, steps: int) -> tuple[str, ...]:
    """Convert, and compare."""
    started = clock.now()
    with Reporter() as reporter:
        (done,) = convert(read_run(run), ConvertConfig(run=run, qat_steps=steps), reporter)
    seconds, compared = clock.now() - started, done.comparison
    values = (compared.float_accuracy, compared.accuracy, compared.agreement, compared.kl_divergence)
    return (
        run.name,
        str(steps),
        str(compared.count),
        *(f"{each:.4f}" for each in values),
        f"{seconds:.0f}",
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), [Path(each) for each in sys.argv[2:]])
