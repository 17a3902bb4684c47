"""Small photos of everyday classes at 96 and 128 pixels: what fine-tuning gains, and what int8 loses.

    python -m benchmarks.studies.small_photos DATA WEIGHTS [SEEDS] [PIXELS …]

DATA is a data set as for `edge-train` with a test split of many images; WEIGHTS are those of MobileNetV2
without top at alpha 0.35. For each size and seed a model is trained with the head alone and with fine-tuning,
by the defaults, and the latter is converted. Prints the accuracy on the test of each, and on how many images
float and int8 model give the same answer; takes a quarter of an hour a seed for 4,000 images and 10,000 of
the test.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.studies.few_images import interval
from converter import ConvertConfig, convert
from edge_runtime.core import Reporter, markdown_table
from edge_runtime.datasets import TEST, read_run
from trainer import TrainConfig, TrainingReporter, train
from trainer.config import NO_GROUPS

SIZES = (96, 128)
SEEDS = 3


@dataclass(frozen=True)
class Outcome:
    """Accuracies on the test: of the head alone, fine-tuned, and of that in int8; and the agreement."""

    head: float
    fine_tuned: float
    int8: float
    agreement: float


def main(data: str, weights: Path, seeds: int, sizes: Sequence[int]) -> None:
    """Print one row for each size."""
    columns = ("pixels", "head alone", "fine-tuned", "gain", "int8", "lost in int8", "agreement")
    print(markdown_table(columns, []), flush=True)  # noqa: T201
    for size in sizes:
        found = [measure(data, weights, size, seed) for seed in range(1, seeds + 1)]
        head, tuned, int8, agreement = (
            np.array([getattr(each, name) for each in found])
            for name in ("head", "fine_tuned", "int8", "agreement")
        )
        cells = (str(size), *map(interval, (head, tuned, tuned - head, int8, tuned - int8, agreement)))
        print(f"| {' | '.join(cells)} |", flush=True)  # noqa: T201


def measure(data: str, weights: Path, size: int, seed: int) -> Outcome:
    """Train twice with one seed, and convert."""
    with tempfile.TemporaryDirectory() as work:
        out = Path(work) / "run"
        head, tuned = (_train(data, weights, size, seed, out, epochs) for epochs in (0, 10))
        with Reporter() as reporter:
            config = ConvertConfig(run=out, out=out.with_suffix(".tflite"))
            (conversion,) = convert(read_run(out), config, reporter)
    compared = conversion.by_split[TEST]
    return Outcome(head, tuned, compared.accuracy, compared.agreement)


def _train(data: str, weights: Path, size: int, seed: int, out: Path, epochs: int) -> float:
    import keras

    keras.utils.clear_session()
    config = TrainConfig(
        data=data,
        weights=str(weights),
        alpha=0.35,
        image_size=size,
        # Photos of 32 pixels look alike to the search for bursts.
        group_by=NO_GROUPS,
        fine_tune_epochs=epochs,
        seed=seed,
        out=out,
        overwrite=True,
    )
    with TrainingReporter() as reporter:
        return train(config, reporter).metrics[TEST].accuracy


if __name__ == "__main__":
    count, *pixels = [int(each) for each in sys.argv[3:]] or [SEEDS]
    main(sys.argv[1], Path(sys.argv[2]), count, pixels or SIZES)
