"""Quantization-aware training: how close int8 comes to the float model, and how long it takes.

    python -m benchmarks.studies.aware_training RUN [STEPS …]

RUN is a run of `edge-train`. It is converted without the training and with each number of steps (500). Prints
the comparison with the Keras model on the run's held-out images, and the seconds of the whole conversion.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from converter import ConvertConfig, convert
from edge_runtime.core import Reporter, clock, markdown_table
from edge_runtime.datasets import read_run

STEPS = (500,)


def main(run: Path, steps: Sequence[int]) -> None:
    """Print one row for each number of steps."""
    rows = []
    for number in (0, *steps):
        config = ConvertConfig(run=run, out=run.with_suffix(".tflite"), qat_steps=number)
        started = clock.now()
        with Reporter() as reporter:
            (done,) = convert(read_run(run), config, reporter)
        seconds = clock.now() - started
        compared = done.comparison
        rows.append(
            (
                str(number),
                str(compared.count),
                f"{compared.float_accuracy:.4f}",
                f"{compared.accuracy:.4f}",
                f"{compared.agreement:.4f}",
                f"{compared.kl_divergence:.4f}",
                f"{seconds:.0f}",
            )
        )
    columns = ("steps", "images", "float", "int8", "agreement", "KL divergence", "seconds")
    print(markdown_table(columns, rows))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(each) for each in sys.argv[2:]] or STEPS)
