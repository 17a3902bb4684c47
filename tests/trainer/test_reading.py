"""How fast pictures are read, and how much memory that takes."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge_runtime import Resize, open_dataset
from edge_runtime.images import opencv
from tests.conftest import BIN
from trainer.batches import PictureLoader, make_batches

pytestmark = pytest.mark.slow

ROUNDS = 8
TRIALS = 3


@pytest.mark.assets
def test_pictures_are_read_half_as_fast_again_as_keras_reads_them(assets: Path) -> None:
    import keras

    folder = str(assets / "alpaca")

    def read() -> int:
        dataset = open_dataset(folder)
        loader = PictureLoader(dataset, (160, 160), Resize.FIT_SHORTEST)
        return sum(len(images) for images, _ in make_batches(loader, dataset.samples, dataset.labels, 32))

    def read_with_keras() -> int:
        dataset = keras.utils.image_dataset_from_directory(
            folder, image_size=(160, 160), batch_size=32, verbose=0
        )
        return sum(len(images) for images, _ in dataset)

    def seconds(work: Callable[[], int]) -> float:
        started = time.perf_counter()
        assert work() == 327
        return time.perf_counter() - started

    def ratio() -> float:
        rounds = np.array([[seconds(read), seconds(read_with_keras)] for _ in range(ROUNDS)])
        ours, theirs = rounds.sum(axis=0)
        return float(theirs / ours)

    # The machine's other work can only hide the difference: the best of a few trials is nearest to it.
    assert max(ratio() for _ in range(TRIALS)) >= 1.5


def paint_many(folder: Path, count: int) -> None:
    """JPEGs of 320×240 pixels, every one another, in two classes."""
    cv2 = opencv()
    ramp = np.tile(np.linspace(0, 160, 320, dtype=np.uint8)[:, np.newaxis], (240, 1, 3))
    for label in range(2):
        (folder / str(label)).mkdir(parents=True)
    for number in range(count):
        image = ramp + np.array([number % 90, number // 90 % 90, number // 8100], np.uint8)
        cv2.rectangle(image, (40 * (number % 2), 60), (120 + 40 * (number % 2), 180), (250, 250, 250), -1)
        content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
        (folder / str(number % 2) / f"{number}.jpg").write_bytes(content)


def peak_memory(*arguments: object) -> float:
    """Run `edge-train` and return the most memory that it had, in megabytes."""
    process = subprocess.Popen([BIN / "edge-train", *map(str, arguments)], stderr=subprocess.DEVNULL)
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss / 1024


def test_twenty_thousand_pictures_take_little_more_memory_than_five_hundred(
    hard_colors: tuple[object, ...], tmp_path: Path
) -> None:
    paint_many(tmp_path / "few", 500)
    paint_many(tmp_path / "many", 20_000)
    options = (*hard_colors[1:], "--batch-size", 64, "--head-epochs", 2, "--fine-tune-epochs", 1)
    few, many = (
        peak_memory(tmp_path / name, *options, "--out", tmp_path / f"{name}-run") for name in ("few", "many")
    )
    # All of them decoded are 4.6 GB.
    assert many - few <= 1500
