"""`edge-classify` on a folder of small images beside the shortest loop that gives the same answers.

    python -m benchmarks.studies.folder_speed MODEL.tflite FOLDER [PAIRS]

Both are commands of their own and classify every JPEG of FOLDER, in turns; their starts are counted. The loop
uses one thread and writes a line of JSON for each image. MODEL.tflite is a quantized file of `edge-convert`,
for images of the size of those in FOLDER.
"""

import json
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.measurement import describe_machine
from benchmarks.studies.commands import CommandCost, measure_command, measure_tool
from edge_runtime.core import markdown_table
from edge_runtime.model import read_model_file

LOOP = """
import json, sys
from pathlib import Path
import cv2
from ai_edge_litert.interpreter import Interpreter

model, folder, labels, out = sys.argv[1:]
labels = json.loads(labels)
interpreter = Interpreter(model, num_threads=1)
interpreter.allocate_tensors()
source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
_, height, width, _ = source["shape"]
scale, zero_point = target["quantization"]
with open(out, "w") as lines:
    for path in sorted(Path(folder).rglob("*.jpg")):
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        if image.shape[:2] != (height, width):
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        interpreter.set_tensor(source["index"], image[None])
        interpreter.invoke()
        codes = interpreter.get_tensor(target["index"])[0]
        best = int(codes.argmax())
        score = round((int(codes[best]) - zero_point) * scale, 4)
        lines.write(json.dumps({"source": str(path), "answer": labels[best], "score": score}) + "\\n")
"""


def measure_pair(model: Path, images: Path, folder: Path) -> tuple[CommandCost, CommandCost]:
    """The cost of `edge-classify`, then of the loop; their answers are compared.

    Raises:
        ValueError: more than 1 of 1,000 answers differ.
    """
    ours, theirs = folder / "ours.jsonl", folder / "loop.jsonl"
    ours.unlink(missing_ok=True)
    labels = json.dumps(read_model_file(model).labels)
    options = ("-m", model, "--input", images, "-k", 1, "--to", f"jsonl:{ours}")
    costs = (
        measure_tool("edge-classify", *options),
        measure_command(sys.executable, "-c", LOOP, model, images, labels, theirs),
    )
    found, expected = (_answers(path) for path in (ours, theirs))
    same = sum(found[name] == answer for name, answer in expected.items())
    if len(found) != len(expected) or same < 0.999 * len(expected):
        raise ValueError(f"{same} of {len(expected)} answers are the same, {len(found)} were given")
    return costs


def _answers(path: Path) -> dict[str, str]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {line["source"]: line["answer"] for line in lines}


def main(model: Path, images: Path, pairs: int) -> None:
    """Print a row for each pair, and the medians."""
    count = sum(1 for _ in images.rglob("*.jpg"))
    rows, ratios = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(pairs):
            ours, loop = measure_pair(model, images, Path(folder))
            ratios.append((ours.cpu_seconds / loop.cpu_seconds, loop.seconds / ours.seconds))
            rows.append([str(number + 1), *_cells(ours, count), *_cells(loop, count), *_ratios(*ratios[-1])])
    cpu, speed = (median(column) for column in zip(*ratios, strict=True))
    rows.append(["median", *[""] * 4, *_ratios(cpu, speed)])
    columns = ("pair", "CPU s", "images/s", "CPU s of the loop", "its images/s", "CPU ratio", "speed ratio")
    print(describe_machine())  # noqa: T201
    print(markdown_table(columns, rows))  # noqa: T201


def _cells(cost: CommandCost, count: int) -> tuple[str, str]:
    return f"{cost.cpu_seconds:.2f}", f"{count / cost.seconds:.0f}"


def _ratios(cpu: float, speed: float) -> tuple[str, str]:
    return f"{cpu:.2f}", f"{speed:.2f}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 3)
