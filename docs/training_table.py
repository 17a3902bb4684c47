"""Run every recipe with its seeds and print the table of docs/training.md.

    python docs/training_table.py FOLDER

FOLDER holds `alpaca/`, `mnist.npz` and MobileNetV2 weights without top for alpha 1.0 and 0.35. Takes half an
hour on two cores.
"""

import csv
import json
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

RECIPES = Path(__file__).parent.parent / "recipes"
WIDE = "--weights mobilenet_v2_1.0_no_top.weights.h5"
NARROW = "--weights mobilenet_v2_0.35_no_top.weights.h5 --alpha 0.35"
SEEDS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Row:
    """One line of the table: options of `edge-train`, on which split it is judged, and its seeds."""

    options: str
    split: str
    seeds: tuple[int, ...] = (42,)


ROWS = (
    Row(f"alpaca --config recipes/photos.toml {WIDE} --image-size 160", "validation", SEEDS),
    Row(f"alpaca --config recipes/photos.toml {NARROW} --image-size 160", "validation", SEEDS),
    Row(f"alpaca --config recipes/photos.toml {WIDE}", "validation", SEEDS),
    Row(f"alpaca --config recipes/alpaca-course.toml {WIDE}", "validation", SEEDS),
    Row(f"mnist.npz --config recipes/mnist.toml {NARROW}", "test"),
    Row(f"mnist.npz --config recipes/mnist-course.toml {WIDE}", "test"),
    Row("--config recipes/digits.toml", "test"),
)


@dataclass(frozen=True)
class Outcome:
    """What one training ended with: accuracies, and the seconds of its epochs and of the whole command."""

    kept: float
    last: float
    fit: float
    whole: float


def train(row: Row, seed: int, folder: Path) -> Outcome:
    """Run one training in the folder of the data."""
    options = row.options.replace("recipes/", f"{RECIPES}/").split()
    with tempfile.TemporaryDirectory() as run:
        command = ["edge-train", *options, "--seed", str(seed), "--out", run, "--overwrite"]
        program = str(Path(sys.executable).parent / command[0])
        started = time.monotonic()
        subprocess.run([program, *command[1:]], cwd=folder, check=True, capture_output=True)  # noqa: S603
        whole = time.monotonic() - started
        metrics = json.loads((Path(run) / "metrics.json").read_text())
        history = list(csv.DictReader((Path(run) / "history.csv").read_text().splitlines()))
    return Outcome(
        kept=metrics[row.split]["accuracy"],
        last=float(history[-1]["val_accuracy"]),
        fit=sum(float(epoch["seconds"]) for epoch in history),
        whole=whole,
    )


def line(row: Row, outcomes: list[Outcome]) -> str:
    """A row of the Markdown table."""
    seeds = f"{row.seeds[0]} … {row.seeds[-1]}" if len(row.seeds) > 1 else f"{row.seeds[0]}"
    cells = [
        f"`edge-train {row.options} --seed {seeds}`",
        row.split,
        f"**{mean(outcome.kept for outcome in outcomes):.4f}**",
        ", ".join(f"{outcome.kept:.4f}" for outcome in outcomes),
        f"{mean(outcome.last for outcome in outcomes):.4f}",
        f"{max(outcome.fit for outcome in outcomes):.0f} s",
        f"{max(outcome.whole for outcome in outcomes):.0f} s",
    ]
    return f"| {' | '.join(cells)} |"


def main(folder: Path) -> None:
    """Print the table, row by row."""
    print(f"{platform.machine()}, Python {platform.python_version()}", flush=True)  # noqa: T201
    print("| command | split | accuracy | each seed | last epoch, validation | fit | whole command |")  # noqa: T201
    print("|---|---|---|---|---|---|---|")  # noqa: T201
    for row in ROWS:
        print(line(row, [train(row, seed, folder) for seed in row.seeds]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
