"""How well `edge-data` finds wrong labels and near-duplicates that are planted.

    python -m benchmarks.studies.examination FOLDER [SEEDS]

FOLDER has `mnist.npz`, the photos `alpaca/` and `mobilenet_v2_0.35_no_top.weights.h5`. Labels: 10,000 images
of MNIST with 5 % of the labels replaced by another one, and the same images with their own labels.
Near-duplicates: 300 of the photos again, in turn encoded with JPEG quality 30, cropped by 5 %, brightened by
a quarter, and all three; then the split of `edge-train`.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.studies.commands import run_tool
from edge_runtime.core import Image, Reporter, markdown_table
from edge_runtime.images import encode_jpeg, list_images, read_image
from trainer.config import TrainConfig
from trainer.data import prepare_data

IMAGES = 10_000
FLIPPED = 500
PLANTED = 300


def main(folder: Path, seeds: int) -> None:
    """Print both tables."""
    labels, duplicates = [], []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as work:
            labels.append([str(seed), *_labels(folder, Path(work), seed)])
            duplicates.append([str(seed), *_duplicates(folder, Path(work), seed)])
    print(markdown_table(("seed", "named", "precision", "recall", "named of clean labels"), labels))  # noqa: T201
    columns = ("seed", "planted", "found", "joined with another photo", "sets in two splits")
    print(markdown_table(columns, duplicates))  # noqa: T201


def _labels(folder: Path, work: Path, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    with np.load(folder / "mnist.npz", allow_pickle=False) as archive:
        chosen = random.permutation(len(archive["x_train"]))[:IMAGES]
        images, targets = archive["x_train"][chosen], archive["y_train"][chosen].astype(np.int64)
    flipped = random.choice(IMAGES, FLIPPED, replace=False)
    wrong = targets.copy()
    wrong[flipped] = (targets[flipped] + random.integers(1, 10, FLIPPED)) % 10
    named = _named(folder, work, images, wrong)
    right = len(named & set(flipped.tolist()))
    clean = len(_named(folder, work, images, targets)) / IMAGES
    return [str(len(named)), f"{right / len(named):.3f}", f"{right / FLIPPED:.3f}", f"{clean:.2%}"]


def _named(folder: Path, work: Path, images: Image, targets: NDArray[np.int64]) -> set[int]:
    """The numbers of the images whose labels are named."""
    np.savez(work / "digits.npz", x_train=images, y_train=targets)
    weights = folder / "mobilenet_v2_0.35_no_top.weights.h5"
    run_tool("edge-data", work / "digits.npz", "--weights", weights, "--out", work / "examination")
    found = json.loads((work / "examination" / "suspects.json").read_text())["suspects"]
    return {int(each["file"][len("x_train[") : -1]) for each in found if each["check"] == "label"}


def _duplicates(folder: Path, work: Path, seed: int) -> list[str]:
    photos = work / "photos"
    shutil.copytree(folder / "alpaca", photos)
    origin = _plant(photos, seed)
    with Reporter() as reporter:
        data = prepare_data(TrainConfig(data=str(photos), test_split=0.15), reporter)
    groups = {sample.file: sample.group for sample in data.samples}
    found = sum(groups[copy] == groups[original] != "" for copy, original in origin.items())
    originals: dict[str, set[str]] = {}
    splits: dict[str, set[str]] = {}
    for sample in data.samples:
        if sample.group:
            originals.setdefault(sample.group, set()).add(origin.get(sample.file, sample.file))
            splits.setdefault(sample.group, set()).add(sample.split)
    joined = sum(len(each) - 1 for each in originals.values())
    crossing = sum(len(each) > 1 for each in splits.values())
    return [str(PLANTED), str(found), str(joined), str(crossing)]


def _plant(photos: Path, seed: int) -> dict[str, str]:
    """Write the copies; copy → original, relative to the folder."""
    random = np.random.default_rng(seed)
    paths = list(list_images(photos))
    origin = {}
    for number in range(PLANTED):
        path = paths[random.integers(len(paths))]
        image = read_image(path, at_least=0)
        if number % 4 in (1, 3):
            height, width = image.shape[:2]
            top, left = random.integers(0, height // 20 + 1), random.integers(0, width // 20 + 1)
            image = np.ascontiguousarray(image[top : top + height * 19 // 20, left : left + width * 19 // 20])
        if number % 4 in (2, 3):
            image = np.clip(image * 1.25, 0, 255).astype(np.uint8)
        copy = path.with_name(f"planted-{number}.jpg")
        copy.write_bytes(encode_jpeg(image, 30 if number % 4 in (0, 3) else 85))
        origin[str(copy.relative_to(photos))] = str(path.relative_to(photos))
    return origin


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3)
