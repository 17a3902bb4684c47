"""`edge-classify --collect` and `edge-collect` as a user runs them."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge_runtime.collection import Collector, FrameCollector, Limits, read_collection
from edge_runtime.core import Frame, Result, clock
from edge_runtime.images import fit, read_image
from edge_runtime.inference import load_model
from edge_runtime.model import read_model_file
from tests.commands import Command
from tests.conftest import linear_model
from tests.edge_runtime.images.test_perceptual_hash import scene
from tests.images import paint, save

SCALE = float(os.environ.get("EDGE_SOAK", "0.1"))


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "frames.jsonl").read_text().splitlines()]


def test_a_folder_of_images_is_collected_once(
    command: Command, color_models: dict[str, Path], tmp_path: Path
) -> None:
    for number in range(12):
        save(tmp_path / "in" / f"{number:02}.png", scene(number))
    options = ("--input", tmp_path / "in", "--collect", tmp_path / "collection", "--collect-seconds", 0)
    done = command("edge-classify", "-m", color_models["uint8"], *options, "--format", "jsonl", "-k", 1)
    assert done.code == 0, done.err
    assert all(len(json.loads(line)["predictions"]) == 1 for line in done.out.splitlines())
    lines = lines_of(tmp_path / "collection")
    assert 8 <= len(lines) <= 12
    model = read_model_file(color_models["uint8"]).sha256
    for line in lines:
        assert line["reason"] in ("random", "uncertain", "new", "flicker")
        assert line["model"] == model
        assert line["camera"].endswith(".png")
        assert len(line["scores"]) == 2
        assert read_image(tmp_path / "collection" / line["file"], at_least=0).shape == (240, 320, 3)
    again = command("edge-classify", "-m", color_models["uint8"], *options, "--collect-per-day", 1000)
    assert again.code == 0, again.err
    more = [line for line in lines_of(tmp_path / "collection") if line not in lines]
    assert all(line["reason"] == "random" for line in more), "the others are like kept ones"


def test_frames_of_a_camera_keep_their_distance_in_time(
    color_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model(read_model_file(color_models["uint8"]))
    passed = SimpleNamespace(seconds=0.0)  # by a clock of its own: a slow machine looks at fewer frames
    monkeypatch.setattr(clock, "now", lambda: passed.seconds)

    def camera() -> Iterator[Result]:
        for number in range(250):
            passed.seconds = number / 100
            frame = Frame(scene(number), number, passed.seconds, passed.seconds, "camera:0")
            yield model.classifier.observe(frame, 2)

    collector = Collector(
        tmp_path, Limits(10**9, 1000), seconds_apart=0.3, model=lambda: model, say=lambda _line: None, seed=1
    )
    assert sum(1 for _ in collector(camera())) == 250
    times = sorted(line["time"] for line in lines_of(tmp_path))
    assert len(times) >= 4, "2.5 seconds have room for 9"
    assert min(np.diff(times)) >= 0.3 - 1e-6


def test_two_processes_do_not_write_into_one_collection(
    command: Command, color_models: dict[str, Path], tmp_path: Path
) -> None:
    from edge_runtime.core import lock_folder

    with lock_folder(tmp_path):
        options = ("--input", "synthetic", "--max-frames", 1, "--collect", tmp_path)
        command("edge-classify", "-m", color_models["uint8"], *options).fails_with(6, "another process")
        command("edge-collect", "--input", "synthetic", tmp_path, "--max-frames", 1).fails_with(
            6, "another process"
        )


def test_wrong_arguments_are_one_line(command: Command, tmp_path: Path) -> None:
    command("edge-collect", tmp_path).fails_with(2, "--camera 0")
    command("edge-collect", "--input", "synthetic").fails_with(2, "name the folder")
    command("edge-collect", "--input", tmp_path / "none", tmp_path / "c").fails_with(4, "none")
    command("edge-collect", "--input", "synthetic", "/proc/c").fails_with(6, "/proc/c")


def test_without_a_model_dark_blurred_and_repeated_frames_are_left_out(
    command: Command, tmp_path: Path
) -> None:
    for number in range(8):
        save(tmp_path / "in" / f"{number}-sharp.png", rough(number))
        save(tmp_path / "in" / f"{number}-again.png", rough(number))
        save(tmp_path / "in" / f"{number}-dark.png", (rough(number) // 16).astype(np.uint8))
        save(tmp_path / "in" / f"{number}-blurred.png", fit(fit(rough(50 + number), (12, 16)), (240, 320)))
    save(tmp_path / "in" / "9-covered.png", paint((120, 120, 120), 240, 320))
    done = command("edge-collect", "--input", tmp_path / "in", tmp_path / "c", "--collect-seconds", 0)
    assert done.code == 0, done.err
    assert re.search(r"\d+ frames saved, \d+ in .*next: edge-label", done.out)
    sources = [Path(line["camera"]).name for line in lines_of(tmp_path / "c")]
    assert sum("dark" in each or "covered" in each for each in sources) == 0
    assert sum("blurred" in each for each in sources) <= 1, "the first frames tell what is sharp"
    scenes = [each[0] for each in sources if "blurred" not in each]
    assert len(scenes) == len(set(scenes))
    assert len(scenes) >= 7


def rough(seed: int) -> np.ndarray:
    """A scene with fine detail."""
    noise = np.random.default_rng(seed).integers(-50, 50, (240, 320, 3))
    return np.clip(scene(seed) * 0.6 + 50 + noise, 0, 255).astype(np.uint8)


def results(model: Any, count: int, image: Callable[[int], np.ndarray]) -> Iterator[Result]:
    for number in range(count):
        frame = Frame(image(number), number, clock.now(), clock.wall_time(), "camera:0")
        yield model.classifier.observe(frame, 2)


@pytest.mark.slow
def test_limits_memory_and_cost_over_many_frames(tmp_path: Path) -> None:
    """The gate runs a tenth; `make soak` runs 100,000 frames."""
    (tmp_path / "m.tflite").write_bytes(linear_model(96, ("wren", "robin", "tit")))
    model = load_model(read_model_file(tmp_path / "m.tflite"))
    folder = tmp_path / "collection"
    images = [scene(seed, 480, 640) for seed in range(60)]
    collector = Collector(
        folder, Limits(400_000, 40), seconds_apart=0.0, model=lambda: model, say=lambda _line: None, seed=1
    )

    def run(count: int) -> float:
        """Seconds in the stage itself."""
        spent = 0.0
        stage = collector(timed(results(model, count, lambda number: images[number * 7 % 60])))
        while True:
            started = time.perf_counter()
            if next(stage, None) is None:
                return spent - outside[0]
            spent += time.perf_counter() - started

    outside = [0.0]

    def timed(inner: Iterator[Result]) -> Iterator[Result]:
        while True:
            started = time.perf_counter()
            result = next(inner, None)
            outside[0] += time.perf_counter() - started
            if result is None:
                return
            yield result

    run(2000)
    before = resident()
    outside[0] = 0.0
    started = time.perf_counter()
    cost = run(int(100_000 * SCALE))
    total = time.perf_counter() - started
    assert resident() - before < 2e6
    assert cost / total <= 0.03, f"{cost:.2f} of {total:.2f} s"
    entries = read_collection(folder)
    assert 3 <= len(entries) <= 80, "two days at most"
    assert sum(each.size for each in entries) <= 400_000


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_frames_without_a_model_are_counted_and_kept_within_limits(tmp_path: Path) -> None:
    collector = FrameCollector(
        tmp_path, Limits(10**9, 10), seconds_apart=0.0, say=lambda _line: None, every_frame=True
    )
    frames = (Frame(rough(number), number, 0.0, float(number), "x") for number in range(40))
    assert sum(frame is not None for frame in collector(frames)) == 40
    assert collector.total == len(read_collection(tmp_path)) == 10
    assert collector.saved >= 10


def test_a_look_costs_a_bounded_part_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from edge_runtime.collection import collector as module

    now = SimpleNamespace(value=0.0)
    monkeypatch.setattr(module.clock, "now", lambda: now.value)
    pace = module.Pace(0.0, every_frame=False)
    spent = 0.0
    for _ in range(10_000):
        now.value += 0.01
        if pace.begin(now.value):
            now.value += 0.05
            spent += 0.05
            pace.end(now.value, saved=False)
    assert spent / now.value <= 0.02
    assert spent > 0.5
