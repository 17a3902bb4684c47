"""Memory and time of the commands with more and more images.

    python -m benchmarks.studies.scale FOLDER WEIGHTS COUNT [COUNT …]

FOLDER gets the images, which are kept for the next time, and the runs. WEIGHTS are those of MobileNetV2 of
alpha 0.35 without its top. The images are small JPEGs, all different and always the same, in two classes.
"""

import shutil
import sys
from pathlib import Path

import numpy as np

from benchmarks.studies.commands import CommandCost, measure_tool
from edge_runtime.core import markdown_table
from edge_runtime.images import encode_jpeg

SIDE = 96
HELD_OUT = 0.2


def write_images(folder: Path, count: int) -> Path:
    """Write JPEGs of 96 pixels a side into two class folders, unless they are there."""
    done = folder / ".complete"
    if not done.exists():
        for number in range(count):
            random = np.random.default_rng(number)
            coarse = random.integers(0, 200, (8, 8, 3), np.uint8)
            image = np.kron(coarse, np.ones((12, 12, 1), np.uint8))
            label = number % 2
            # What tells the classes apart: a bright corner.
            image[:32, 64 * label : 64 * label + 32] = 250
            path = folder / f"class {label}" / f"{number:06}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_jpeg(image))
        done.touch()
    return folder


def measure(folder: Path, weights: Path, count: int) -> list[tuple[str, CommandCost]]:
    """The cost of each command with so many images."""
    images, run = write_images(folder / f"images-{count}", count), folder / f"run-{count}"
    shutil.rmtree(run, ignore_errors=True)
    model = folder / f"{count}.tflite"
    options = ("--weights", weights, "--alpha", 0.35, "--image-size", SIDE, "--validation-split", HELD_OUT)
    one_epoch = ("--head-epochs", 1, "--fine-tune-epochs", 0)
    return [
        (
            "edge-train, one head epoch",
            measure_tool("edge-train", images, *options, *one_epoch, "--out", run),
        ),
        ("edge-convert", measure_tool("edge-convert", run, "--out", model, "--max-drop", 1)),
        (
            "edge-classify",
            measure_tool("edge-classify", "-m", model, "--input", images, "--to", f"jsonl:{folder / 'out'}"),
        ),
    ]


def main(folder: Path, weights: Path, counts: list[int]) -> None:
    """Print the table."""
    rows = [
        (
            f"{count:,}",
            name,
            f"{cost.seconds:.0f}",
            f"{cost.cpu_seconds:.0f}",
            f"{cost.peak_megabytes:.0f}",
        )
        for count in counts
        for name, cost in measure(folder, weights, count)
    ]
    columns = ("images", "command", "seconds", "CPU seconds", "peak MiB")
    print(markdown_table(columns, rows))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [int(count) for count in sys.argv[3:]])
