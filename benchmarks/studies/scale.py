"""Memory and time of the commands with more and more images.

    python -m benchmarks.studies.scale FOLDER WEIGHTS COUNT [COUNT …]

FOLDER gets the images, which are kept for the next time, and the runs. WEIGHTS are those of MobileNetV2 of
alpha 0.35 without its top. The images are small JPEGs, all different and always the same, in two classes; a
fifth of them is held out.
"""

import shutil
import sys
from collections.abc import Iterator
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
            # What tells the classes apart: a bright or a dark square, anywhere.
            top, left = random.integers(0, 64, 2)
            image[top : top + 32, left : left + 32] = (250, 5)[label]
            path = folder / f"class {label}" / f"{number:06}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_jpeg(image))
        done.touch()
    return folder


def measure(folder: Path, weights: Path, count: int) -> Iterator[tuple[str, CommandCost]]:
    """The cost of each command with so many images, as soon as it is known."""
    images, run = write_images(folder / f"images-{count}", count), folder / f"run-{count}"
    tuned, report, model = folder / f"tuned-{count}", folder / f"report-{count}", folder / f"{count}.tflite"
    for old in (run, tuned, report, folder / "out.jsonl"):
        shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
    options = ("--weights", weights, "--alpha", 0.35, "--image-size", SIDE, "--validation-split", HELD_OUT)
    quick = ("--num-runs", 50, "--min-seconds", 0, "--processes", 1)
    train = ("edge-train", images, *options, "--head-epochs", 1, "--fine-tune-epochs")
    classify = ("edge-classify", "-m", model, "--input", images, "--to", f"jsonl:{folder / 'out.jsonl'}")
    yield "edge-train, one head epoch", measure_tool(*train, 0, "--out", run)
    yield "edge-train, and one of fine-tuning", measure_tool(*train, 1, "--out", tuned)
    yield "edge-convert", measure_tool("edge-convert", run, "--out", model, "--max-drop", 1)
    yield "edge-bench run", measure_tool("edge-bench", "run", run, model, *quick, "--out", report)
    yield "edge-classify", measure_tool(*classify)


def stages(cost: CommandCost) -> str:
    """The seconds of each stage of a training, the data before it and the files after it."""
    marks = [("data", "classes, "), ("features and head", "head epoch 1:")]
    if any("fine-tune epoch 2:" in line for _seconds, line in cost.lines):
        marks.append(("fine-tuning", "fine-tune epoch 2:"))
    marks.append(("evaluation", "writing the run"))
    ends = [0.0, *(cost.seconds_until(text) for _name, text in marks), cost.seconds]
    names = [*(name for name, _text in marks), "files"]
    return ", ".join(
        f"{name} {end - start:.0f}" for name, start, end in zip(names, ends, ends[1:], strict=False)
    )


def main(folder: Path, weights: Path, counts: list[int]) -> None:
    """Print a row for each command as soon as it is done."""
    columns = ("images", "command", "seconds", "CPU seconds", "peak MiB", "seconds by stage")
    print(markdown_table(columns, []), flush=True)  # noqa: T201
    for count in counts:
        for name, cost in measure(folder, weights, count):
            by_stage = stages(cost) if name.startswith("edge-train") else ""
            numbers = f"{cost.seconds:.0f} | {cost.cpu_seconds:.0f} | {cost.peak_megabytes:.0f}"
            print(f"| {count:,} | {name} | {numbers} | {by_stage} |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [int(count) for count in sys.argv[3:]])
