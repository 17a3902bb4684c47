"""The model file is replaced while it is in use."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge_runtime import (
    FolderSource,
    Frame,
    HotReload,
    LoadedModel,
    ModelError,
    ModelFile,
    fit,
    load_classifier,
    load_model,
    read_image,
    read_model_file,
)
from edge_runtime.core import clock, write_file
from tests.conftest import BIN, COLORS, linear_model, paint, save

FRAME = Frame(paint(COLORS["red"]), 0, 0.0, 0.0, "x")


def loading(path: Path) -> Callable[[LoadedModel | None], LoadedModel]:
    return lambda _running: load_model(read_model_file(path))


class Watched:
    """A watch on a copy of a model file, with labels beside it."""

    def __init__(self, folder: Path, source: Path) -> None:
        self.path = folder / "model.tflite"
        (folder / "labels.txt").write_text("red\ngreen\nblue\n")
        write_file(self.path, source.read_bytes())
        self.said: list[str] = []
        self.watch = HotReload(self.path, loading(self.path), say=self.said.append, look_every=0.05)

    def replace(self, content: bytes) -> None:
        write_file(self.path, content)

    def work_until(self, condition: Callable[[], bool]) -> int:
        frames, deadline = 0, clock.now() + 60
        while not condition():
            assert clock.now() < deadline, self.said
            (result,) = self.watch.observe_all(iter([FRAME]), 1)
            assert result is not None
            assert result.predictions[0].label == "red"
            frames += 1
            time.sleep(0.005)
        return frames


@pytest.fixture
def watched(tmp_path: Path, color_models: dict[str, Path]) -> Watched:
    return Watched(tmp_path, color_models["uint8"])


def test_a_new_model_takes_over_while_frames_go_on(watched: Watched, color_models: dict[str, Path]) -> None:
    new = color_models["int8"].read_bytes()
    before = watched.watch.current.file.sha256
    watched.replace(new)
    frames = watched.work_until(lambda: bool(watched.said))
    assert "a new model runs" in watched.said[0]
    assert watched.watch.current.file.content == new
    assert watched.watch.current.file.sha256 != before
    assert frames > 1


def test_bad_files_are_refused_and_said_and_the_old_one_runs_on(
    watched: Watched, color_models: dict[str, Path]
) -> None:
    good = color_models["int8"].read_bytes()
    before = watched.watch.current
    for number, bad in enumerate((b"", b"no model at all", good[: len(good) // 2])):
        watched.replace(bad)
        watched.work_until(lambda wanted=number + 1: len(watched.said) == wanted)  # type: ignore[misc]
        assert "the old one stays" in watched.said[-1]
    assert watched.watch.current is before
    watched.replace(good)
    watched.work_until(lambda: "a new model runs" in watched.said[-1])


def test_a_file_that_is_gone_or_touched_changes_nothing(watched: Watched) -> None:
    before = watched.watch.current
    content = watched.path.read_bytes()
    watched.path.unlink()
    until = clock.now() + 0.3
    watched.work_until(lambda: clock.now() > until)
    watched.replace(content)
    until = clock.now() + 2
    watched.work_until(lambda: clock.now() > until)
    assert watched.watch.current is before
    assert watched.said == []


def test_after_a_swap_images_are_decoded_as_the_new_model_needs_them(tmp_path: Path) -> None:
    """A larger model must not get the reduced JPEGs that were decoded for the smaller one."""
    random = np.random.default_rng(0)
    for number in range(60):
        rough = random.integers(0, 256, (40, 50, 3)).astype(np.uint8)
        save(tmp_path / "in" / f"{number}.jpg", fit(rough, (480, 640)))
    small, large = linear_model(32, ("small 0", "small 1")), linear_model(160, ("large 0", "large 1"))
    path = tmp_path / "model.tflite"
    write_file(path, small)
    watch = HotReload(path, loading(path), say=lambda _line: None, look_every=0.02)
    source = FolderSource(tmp_path / "in", say=print, ahead=4, hint=lambda: watch.current.classifier.at_least)
    fresh = {len(content): load_classifier(watch_file(tmp_path, content)) for content in (small, large)}
    seen = set()
    for number, result in enumerate(watch.observe_all(source.events(), 2)):
        assert result is not None
        if number == 3:
            write_file(path, large)
        deadline = clock.now() + 60
        while number == 20 and len(watch.current.file.content) != len(large) and clock.now() < deadline:
            watch.look()
            time.sleep(0.01)
        size = "small" if result.predictions[0].label.startswith("small") else "large"
        classifier = fresh[len(small if size == "small" else large)]
        image = read_image(result.frame.source, at_least=classifier.at_least)
        assert result.predictions == tuple(classifier.classify(image, 2)), number
        seen.add(size)
    assert seen == {"small", "large"}


def watch_file(folder: Path, content: bytes) -> Path:
    path = folder / f"{len(content)}.tflite"
    path.write_bytes(content)
    return path


def test_a_swapped_model_takes_the_threads_that_ran_and_nothing_is_measured_beside_frames(
    model_folder: Path, color_models: dict[str, Path]
) -> None:
    """What would be measured while frames are classified would be wrong, and kept for good."""
    cache = model_folder / "cache"
    process = subprocess.Popen(
        [BIN / "edge-classify", "-m", model_folder / "model.tflite", "--input", "synthetic", "--fps", "20"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
    )
    assert process.stderr is not None
    deadline = clock.now() + 60
    while not (cache / "edge-classify" / "threads").is_dir():
        assert clock.now() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    write_file(model_folder / "model.tflite", color_models["int8"].read_bytes())
    assert "a new model runs" in process.stderr.readline()
    process.terminate()
    process.communicate()
    assert len(list((cache / "edge-classify" / "threads").iterdir())) == 1


@pytest.fixture
def model_folder(tmp_path: Path, color_models: dict[str, Path]) -> Path:
    (tmp_path / "labels.txt").write_text("red\ngreen\nblue\n")
    (tmp_path / "model.tflite").write_bytes(color_models["uint8"].read_bytes())
    return tmp_path


@pytest.mark.slow
def test_no_flipped_bit_ever_ends_this_process(color_models: dict[str, Path]) -> None:
    """Every 64th byte with one bit flipped: each is refused with a reason, or runs."""
    content = color_models["uint8"].read_bytes()
    outcomes = {"runs": 0, "refused": 0}
    for position in range(0, len(content), 64):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position // 64 % 8
        try:
            load_model(ModelFile(bytes(damaged), tuple(COLORS), None, "damaged.tflite")).classifier.classify(
                FRAME.image
            )
            outcomes["runs"] += 1
        except ModelError:
            outcomes["refused"] += 1
    assert outcomes["refused"]
    assert outcomes["runs"]
