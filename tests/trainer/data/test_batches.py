"""How fast pictures are read, and how much memory that takes."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks.studies.training_speed import measure_reading
from edge_runtime.images import opencv
from tests.conftest import BIN

pytestmark = pytest.mark.slow

TRIALS = 3


@pytest.mark.assets
def test_pictures_are_read_half_as_fast_again_as_keras_reads_them(assets: Path) -> None:
    def ratio() -> float:
        costs = measure_reading(str(assets / "alpaca"), 160, rounds=8)
        return sum(cost.keras for cost in costs) / sum(cost.ours for cost in costs)

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
