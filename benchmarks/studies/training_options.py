"""Options of `edge-train` beside its defaults: same data, same splits, same seeds.

    python -m benchmarks.studies.training_options FOLDER [DATA …]

FOLDER contains `alpaca/`, `mnist.npz` and MobileNetV2's weights without top for alpha 0.35 and 1.0. DATA:
`alpaca` (10 seeds; a fifth of the photos is the test), `mnist-20`, `mnist-100`, `mnist-500` (so many images
of each digit, 3 seeds; the test is MNIST's). The networks have alpha 0.35; the teacher has alpha 1.0 and
learns the same images. Prints a line for each option with its difference to the defaults, with the 95 %
interval over the seeds. Takes one and a half hours on two cores.
"""

import dataclasses
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.studies.few_images import interval
from edge_runtime.core import build_config, markdown_table, read_options
from edge_runtime.datasets import TEST
from trainer import TrainConfig, TrainingReporter, train

RECIPES = Path(__file__).parents[2] / "recipes"
DEFAULTS = "defaults"
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    DEFAULTS: {},
    "--fine-tune-epochs 0": {"fine_tune_epochs": 0},
    "--teacher": {},
    "--ema 0.9": {"ema": 0.9},
    "--mixup 0.2": {"mixup": 0.2},
}
TEACHER = "the teacher"


@dataclass(frozen=True)
class Trial:
    """A data set, its seeds and the options of all its trainings; those of the teacher beside them."""

    seeds: int
    recipe: str = ""
    images: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    teacher: Mapping[str, Any] = field(default_factory=dict)


TRIALS = {
    # The teacher of photos is not fine-tuned: at alpha 1.0 that takes several minutes a seed.
    "alpaca": Trial(10, options={"test_split": 0.2}, teacher={"fine_tune_epochs": 0}),
    "mnist-20": Trial(3, "mnist.toml", 20),
    "mnist-100": Trial(3, "mnist.toml", 100),
    "mnist-500": Trial(3, "mnist.toml", 500),
}


def main(folder: Path, names: list[str]) -> None:
    """Measure and print the table, one data set after the other."""
    print(markdown_table(("data", "option", "accuracy", "minus defaults"), []), flush=True)  # noqa: T201
    for name in names or TRIALS:
        trial = TRIALS[name]
        found = [compare(folder, name, trial, seed) for seed in range(1, trial.seeds + 1)]
        base = np.array([each[DEFAULTS] for each in found])
        for option in found[0]:
            values = np.array([each[option] for each in found])
            change = "" if option == DEFAULTS else interval(values - base)
            print(f"| {name} | {option} | {interval(values)} | {change} |", flush=True)  # noqa: T201


def compare(folder: Path, name: str, trial: Trial, seed: int) -> dict[str, float]:
    """The accuracy on the test images of each way to train, with one seed."""
    with tempfile.TemporaryDirectory() as work:
        data = folder / name if not trial.images else choose_digits(folder, trial.images, seed, Path(work))
        recipe = read_options(RECIPES / trial.recipe, TrainConfig, "edge-train") if trial.recipe else {}
        common = build_config(
            TrainConfig,
            {**recipe, **trial.options, **_base(folder, 0.35), "data": str(data), "seed": seed},
            "edge-train",
        )
        teacher = Path(work) / TEACHER
        found = {TEACHER: accuracy(common, teacher, {**_base(folder, 1.0), **trial.teacher})}
        for option, values in OPTIONS.items():
            taught = {"teacher": teacher} if option == "--teacher" else {}
            found[option] = accuracy(common, Path(work) / option, {**values, **taught})
            sys.stderr.write(f"{name}, seed {seed}, {option}: {found[option]:.4f}\n")
    return found


def accuracy(common: TrainConfig, out: Path, changes: Mapping[str, Any]) -> float:
    """Train with changed options; the accuracy on the test images."""
    import keras

    keras.utils.clear_session()
    with TrainingReporter() as reporter:
        training = train(dataclasses.replace(common, out=out, **changes), reporter)
    return training.metrics[TEST].accuracy


def choose_digits(folder: Path, count: int, seed: int, work: Path) -> Path:
    """So many training images of each digit at random, with the whole test."""
    random = np.random.default_rng(seed)
    with np.load(folder / "mnist.npz", allow_pickle=False) as archive:
        images, targets = archive["x_train"], archive["y_train"]
        chosen = np.concatenate(
            [random.permutation(np.flatnonzero(targets == digit))[:count] for digit in range(10)]
        )
        path = work / "mnist.npz"
        np.savez(
            path,
            allow_pickle=False,
            x_train=images[chosen],
            y_train=targets[chosen],
            x_test=archive["x_test"],
            y_test=archive["y_test"],
        )
    return path


def _base(folder: Path, alpha: float) -> dict[str, Any]:
    weights = folder / f"mobilenet_v2_{alpha}_no_top.weights.h5"
    return {"alpha": alpha, "weights": str(weights.resolve())}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
