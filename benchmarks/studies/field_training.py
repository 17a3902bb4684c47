"""`edge-train --field` beside its defaults: accuracy on clean and on corrupted photos.

    python -m benchmarks.studies.field_training FOLDER [SEEDS]

FOLDER contains `alpaca/` and MobileNetV2's weights without top at alpha 0.35. With each seed a fifth of the
photos is the test. Prints a row for each seed and way, and the mean differences with their 95 % intervals
over the seeds: of the Keras model and the int8 file on the photos of the test, and of the int8 file on all of
them in every corruption and strength. Takes two to five minutes a seed on two cores.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from benchmarks.corruption import STRENGTHS, Corruption, corrupt
from benchmarks.studies.few_images import interval
from converter import ConvertConfig, convert
from edge_runtime import LoadOptions, load_classifier
from edge_runtime.core import Image, Reporter, markdown_table
from edge_runtime.datasets import TEST, read_run
from trainer import Reject, TrainConfig, TrainingReporter, train

SEEDS = 10
WAYS = {"defaults": False, "--field": True}
COLUMNS = ("clean, Keras", "clean, int8", "corrupted, int8")


def main(folder: Path, seeds: int) -> None:
    """Measure and print the tables."""
    print(markdown_table(("seed", "way", *COLUMNS), []), flush=True)  # noqa: T201
    rows = []
    for seed in range(1, seeds + 1):
        row = []
        for name, field in WAYS.items():
            row.append(measure(folder, seed, field=field))
            cells = " | ".join(f"{value:.4f}" for value in row[-1])
            print(f"| {seed} | {name} | {cells} |", flush=True)  # noqa: T201
        rows.append(row)
    found = np.array(rows)
    changes = found[:, 1] - found[:, 0]
    table = [
        *((name, *map(interval, found[:, number].T)) for number, name in enumerate(WAYS)),
        ("difference", *map(interval, changes.T)),
    ]
    print("\n" + markdown_table(("mean", *COLUMNS), table))  # noqa: T201


def measure(folder: Path, seed: int, *, field: bool) -> tuple[float, float, float]:
    """Train and convert; the accuracies of `COLUMNS`."""
    keras.utils.clear_session()
    with tempfile.TemporaryDirectory() as work:
        out = Path(work) / "run"
        config = TrainConfig(
            data=str(folder / "alpaca"),
            weights=str(folder / "mobilenet_v2_0.35_no_top.weights.h5"),
            alpha=0.35,
            test_split=0.2,
            reject=Reject.OFF,
            field=field,
            seed=seed,
            out=out,
        )
        with TrainingReporter() as reporter:
            clean = train(config, reporter).metrics[TEST].accuracy
        run, model = read_run(out), out.with_suffix(".tflite")
        with Reporter() as reporter:
            # The study measures what int8 costs: nothing is refused for it.
            gate = ConvertConfig(run=out, out=model, max_drop=1, min_agreement=0)
            (conversion,) = convert(run, gate, reporter)
        model.write_bytes(conversion.content)
        data, test = run.open_data(), run.split(TEST)
        images = [data.read_fitted(each.file, run.card.image_size, run.card.resize) for each in test]
        targets = np.array([run.card.labels.index(each.label) for each in test])
        return clean, conversion.by_split[TEST].accuracy, corrupted_accuracy(model, images, targets)


def corrupted_accuracy(model: Path, images: Sequence[Image], targets: NDArray[np.int_]) -> float:
    """The mean accuracy over all corruptions and strengths.

    Args:
        model: the model file.
        images: uint8 RGB at the model's size, each of shape (height, width, 3).
        targets: the class of each, shape (images,).
    """
    classifier = load_classifier(model, LoadOptions())
    cases = [(kind, strength) for kind in Corruption for strength in range(1, STRENGTHS + 1)]
    found = [
        [
            classifier.classify(corrupt(image, kind, strength, seed), top_k=1)[0].index
            for seed, image in enumerate(images)
        ]
        for kind, strength in cases
    ]
    return float((np.array(found) == targets).mean())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else SEEDS)
