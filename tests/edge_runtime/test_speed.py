"""Ratios within one run, in turns: what the toolkit adds to a loop by hand and to a script; its memory."""

import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from benchmarks.studies.overhead import Block, measure_overhead
from edge_runtime import Resize, fit
from edge_runtime.core import clock
from edge_runtime.images import opencv
from tests.conftest import BIN, paint, save

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def full_size(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MobileNetV2 1.0 at 224 px as int8, with random weights: they do not change the time."""
    import keras
    import tensorflow as tf

    model = keras.applications.MobileNetV2(weights=None, classes=10)

    def samples() -> list[list[np.ndarray]]:
        return [[np.random.default_rng(0).uniform(-1, 1, (1, 224, 224, 3)).astype(np.float32)]]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    path = tmp_path_factory.mktemp("full") / "full.tflite"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converter warns of every model that is calibrated by samples
        path.write_bytes(converter.convert())
    path.with_suffix(".txt").write_text("".join(f"{number}\n" for number in range(10)))
    return path


def seconds(work: Callable[[], object]) -> float:
    started = clock.now()
    work()
    return clock.now() - started


@pytest.fixture(scope="module")
def blocks(full_size: Path) -> list[Block]:
    return [block for threads in (1, 2) for block in measure_overhead(full_size, threads, blocks=6)]


def test_a_frame_costs_hardly_more_than_the_same_steps_by_hand(blocks: list[Block]) -> None:
    assert median(block.whole / block.by_hand for block in blocks) <= 1.05, blocks


@pytest.mark.xfail(reason="not reached where 8-bit dot products make invoke as fast as 2 ms", strict=False)
def test_a_frame_costs_hardly_more_than_the_interpreter(blocks: list[Block]) -> None:
    assert min(block.whole / block.invoke for block in blocks) <= 1.08, blocks


@pytest.mark.parametrize(("height", "width", "bar"), [(480, 640, 0.35 / 1.6), (1080, 1920, 1.3 / 8.6)])
def test_preprocessing_is_several_times_faster_than_area_averaging(
    height: int, width: int, bar: float
) -> None:
    cv2 = opencv()
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    ours, area = [], []
    for _ in range(6):
        ours += [seconds(lambda: fit(image, (224, 224), Resize.SQUASH)) for _ in range(8)]
        area += [
            seconds(lambda: cv2.resize(image, (224, 224), interpolation=cv2.INTER_AREA)) for _ in range(8)
        ]
    assert median(ours) / median(area) <= bar


TEN_LINES = """
import sys
import cv2
import numpy as np
import typer
from ai_edge_litert.interpreter import Interpreter
def main(model: str, picture: str):
    interpreter = Interpreter(model, num_threads=2)
    interpreter.allocate_tensors()
    pixels = cv2.resize(cv2.cvtColor(cv2.imread(picture), cv2.COLOR_BGR2RGB), (224, 224))
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels[np.newaxis])
    interpreter.invoke()
    print(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0].argmax())
typer.run(main)
"""


def test_one_picture_is_answered_nearly_as_fast_as_by_a_script(full_size: Path, tmp_path: Path) -> None:
    picture = save(tmp_path / "p.jpg", paint((10, 20, 30), 480, 640))
    script = [sys.executable, "-c", TEN_LINES, str(full_size), str(picture)]
    ours = [str(BIN / "edge-classify"), "-m", str(full_size), "--input", str(picture)]

    def run(command: list[str]) -> None:
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    run(ours)  # the first start tries the model in a child process
    run(script)
    pairs = [(seconds(lambda: run(ours)), seconds(lambda: run(script))) for _ in range(7)]
    assert median(mine for mine, _ in pairs) / median(theirs for _, theirs in pairs) <= 1.5, pairs


def used_kilobytes(pid: int, meanwhile: Callable[[], object]) -> tuple[int, int]:
    """Resident memory of its own, and what is used of the files that are mapped.

    How much more of a library is mapped is chance: the kernel adds what lies in its cache beside the page
    that is read, 22 MB more of OpenCV just after it was installed, and takes it back when it likes.
    """
    Path(f"/proc/{pid}/clear_refs").write_text("1")
    meanwhile()
    own, of_files = 0, 0
    for mapping in re.split(
        r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path(f"/proc/{pid}/smaps").read_text(), flags=re.MULTILINE
    ):
        sizes = {name: int(size) for name, size in re.findall(r"^(\w+): +(\d+) kB$", mapping, re.MULTILINE)}
        if sizes:
            own += sizes["Anonymous"]
            of_files += min(sizes["Rss"] - sizes["Anonymous"], sizes["Referenced"])
    return own, of_files


def test_the_memory_of_a_camera_loop_is_small(full_size: Path) -> None:
    process = subprocess.Popen(
        [BIN / "edge-classify", "-m", full_size, "--input", "synthetic", "--format", "jsonl", "--fps", "50"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = process.stdout

    def read() -> None:
        for _ in range(100):
            lines.readline()

    read()
    own, of_files = used_kilobytes(process.pid, read)
    process.kill()
    process.communicate()
    frame_buffers = 3 * 640 * 480 * 3 / 1024
    assert own + of_files <= 110_000 + frame_buffers
    # The libraries' files take 53 MB of the 110 where chance maps no more of them than usual.
    assert 20_000 < own <= 57_000 + frame_buffers
