"""The device: what the toolkit adds to an interpreter and to a script, how fast it starts, its memory."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import IO

import numpy as np

from benchmarks.studies.bars.bar import Bar
from benchmarks.studies.bars.plain_converter import convert_int8
from benchmarks.studies.overhead import measure_overhead
from edge_runtime.core import Image, Resize, clock
from edge_runtime.images import encode_jpeg, fit, opencv
from edge_runtime.sources import SyntheticSource

SIDE, CLASSES = 224, 10
BLOCKS, STARTS = 6, 7
FRAME_KILOBYTES = 640 * 480 * 3 / 1024

_SCRIPT = """
import sys
import cv2
import numpy as np
import typer
from ai_edge_litert.interpreter import Interpreter
def main(model: str, image: str):
    interpreter = Interpreter(model, num_threads=2)
    interpreter.allocate_tensors()
    pixels = cv2.resize(cv2.cvtColor(cv2.imread(image), cv2.COLOR_BGR2RGB), (224, 224))
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels[np.newaxis])
    interpreter.invoke()
    print(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0].argmax())
typer.run(main)
"""
"""Ten lines that classify one image, as in the documentation of an interpreter."""


def measure_device(folder: Path) -> Iterator[Bar]:
    """Measure everything that runs on the device.

    Args:
        folder: an empty folder for the model file and the image.
    """
    model, image = folder / "full.tflite", folder / "image.jpg"
    _write_model(model)
    with SyntheticSource((480, 640)) as source:
        image.write_bytes(encode_jpeg(next(iter(source)).image))
    blocks = [block for threads in (1, 2) for block in measure_overhead(model, threads, BLOCKS)]
    by_hand = median(block.whole / block.by_hand for block in blocks)
    yield Bar("a frame, beside the same steps by hand", by_hand, 1.05)
    invoke = median(block.whole / block.invoke for block in blocks)
    yield Bar("a frame, beside the interpreter alone", invoke, 1.08)
    yield from _preprocessing()
    yield _one_image(model, image)
    yield _help()
    yield from _memory(model)


def _write_model(path: Path) -> None:
    """MobileNetV2 1.0 as int8, with random weights: they do not change the time."""
    import keras

    pixels = np.random.default_rng(0).uniform(-1, 1, (1, SIDE, SIDE, 3)).astype(np.float32)
    model = keras.applications.MobileNetV2(weights=None, classes=CLASSES)
    path.write_bytes(convert_int8(model, [[pixels]]))
    path.with_suffix(".txt").write_text("".join(f"{number}\n" for number in range(CLASSES)))


def _preprocessing() -> Iterator[Bar]:
    for height, width, limit in ((480, 640, 0.35 / 1.6), (1080, 1920, 1.3 / 8.6)):
        image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        pairs = [(_seconds(_fit, image), _seconds(_average, image)) for _ in range(50)]
        ratio = median(ours for ours, _ in pairs) / median(area for _, area in pairs)
        yield Bar(f"resizing {width}x{height}, beside area averaging", ratio, limit)


def _fit(image: Image) -> None:
    fit(image, (SIDE, SIDE), Resize.SQUASH)


def _average(image: Image) -> None:
    cv2 = opencv()
    cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _one_image(model: Path, image: Path) -> Bar:
    script = [sys.executable, "-c", _SCRIPT, str(model), str(image)]
    ours = [_command("edge-classify"), "-m", str(model), "--input", str(image)]
    # The first start tries the model in a child process.
    _run(ours)
    _run(script)
    pairs = [(_seconds(_run, ours), _seconds(_run, script)) for _ in range(STARTS)]
    ratio = median(mine for mine, _ in pairs) / median(theirs for _, theirs in pairs)
    return Bar("one image from start to end, beside a script of ten lines", ratio, 1.5)


def _help() -> Bar:
    seconds = [_seconds(_run, [_command("edge-classify"), "--help"]) for _ in range(STARTS)]
    return Bar("edge-classify --help, in seconds", min(seconds), 0.5)


def _memory(model: Path) -> Iterator[Bar]:
    arguments = ("--input", "synthetic", "--format", "jsonl", "--fps", "50")
    with subprocess.Popen(  # noqa: S603 - our own command
        [_command("edge-classify"), "-m", str(model), *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - for mypy: it is a pipe
        _read_lines(process.stdout)
        own, of_files = _used_kilobytes(process.pid, process.stdout)
        process.kill()
    frames = 3 * FRAME_KILOBYTES
    yield Bar("memory of a camera loop, in MB", (own + of_files) / 1000, (110_000 + frames) / 1000)
    # The libraries' files take 53 MB of the 110 where the kernel maps no more of them than usual.
    yield Bar("of it without the libraries' files, in MB", own / 1000, (57_000 + frames) / 1000)


def _used_kilobytes(pid: int, lines: IO[str]) -> tuple[int, int]:
    """Resident memory of its own, and what is used of the mapped files.

    How much more of a library is mapped depends on chance: the kernel adds neighbouring pages that are in its
    cache, 22 MB more of OpenCV just after it was installed, and removes them when it needs the memory.
    """
    Path(f"/proc/{pid}/clear_refs").write_text("1")
    _read_lines(lines)
    own, of_files = 0, 0
    mappings = Path(f"/proc/{pid}/smaps").read_text()
    for mapping in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", mappings, flags=re.MULTILINE):
        sizes = {name: int(size) for name, size in re.findall(r"^(\w+): +(\d+) kB$", mapping, re.MULTILINE)}
        if sizes:
            own += sizes["Anonymous"]
            of_files += min(sizes["Rss"] - sizes["Anonymous"], sizes["Referenced"])
    return own, of_files


def _read_lines(lines: IO[str]) -> None:
    for _ in range(100):
        lines.readline()


def _command(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)  # noqa: S603 - our own commands


def _seconds(work: Callable[..., object], *arguments: object) -> float:
    started = clock.now()
    work(*arguments)
    return clock.now() - started
