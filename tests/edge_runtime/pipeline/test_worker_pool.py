"""A folder's images classified by several threads at once: the same answers in the same order."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from edge_runtime import Frame, HotReload, load_model, read_model_file
from edge_runtime.core import clock, write_file
from edge_runtime.pipeline import WorkerPool
from edge_runtime.pipeline.throttling import Throttle
from edge_runtime.sources import FolderSource
from edge_runtime.system import Hardware
from tests.conftest import COLORS, Command, paint, save


def frames() -> Iterator[Frame]:
    colors = list(COLORS.values())
    index = 0
    while True:
        # Large and small ones in turns: they do not end in the order in which they begin.
        side = 900 if index % 4 == 0 else 9
        yield Frame(paint(colors[index % 3], side, side), index, clock.now(), 0.0, str(index))
        index += 1


def test_results_come_in_order(color_models: dict[str, Path]) -> None:
    path = color_models["uint8"]
    watch = HotReload(path, lambda _running: load_model(read_model_file(path)), say=lambda _line: None)
    results = list(WorkerPool(watch, 4).observe_all(islice(frames(), 60), 1))
    assert [result.frame.index for result in results if result] == list(range(60))
    assert [result.answer for result in results if result] == list(COLORS) * 20


def test_a_model_that_is_replaced_meanwhile_is_taken_by_every_thread(
    color_models: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "labels.txt").write_text("red\ngreen\nblue\n")
    model = tmp_path / "model.tflite"
    write_file(model, color_models["uint8"].read_bytes())
    watch = HotReload(
        model, lambda _running: load_model(read_model_file(model)), say=lambda _line: None, look_every=0.05
    )
    before = watch.current
    write_file(model, color_models["int8"].read_bytes())
    deadline = clock.now() + 60
    for result in WorkerPool(watch, 2).observe_all(frames(), 1):
        assert result is not None
        assert result.answer == list(COLORS)[result.frame.index % 3]
        if watch.current is not before or clock.now() > deadline:
            break
    assert watch.current.file.content == color_models["int8"].read_bytes()


def test_a_folder_gives_the_same_with_any_number_of_workers(
    command: Command, color_models: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "images"
    for number, color in enumerate(list(COLORS.values()) * 10):
        save(folder / f"{number}.png", paint(color, 20 + 30 * (number % 5), 40))
    (folder / "7.png").write_bytes(b"no image")

    def answers(workers: int, *more: object) -> list[tuple[str, int, str, float]]:
        done = command(
            *("edge-classify", "-m", color_models["uint8"], "--input", folder, "--workers", workers),
            *("--format", "jsonl", *more),
        )
        assert (done.code, done.err.count("skipped")) == (0, 1), done.err
        lines = [json.loads(line) for line in done.out.splitlines()]
        return [
            (
                Path(line["source"]).name,
                line["frame_id"],
                line["answer"],
                line["predictions"][0]["score"],
            )
            for line in lines
        ]

    one = answers(1)
    expected = [number for number in range(30) if number != 7]
    assert [name for name, *_ in one] == [f"{number}.png" for number in expected]
    assert [index for _, index, *_ in one] == expected
    assert answers(4) == one
    # Read by threads of its own where frames are left out or changed.
    assert answers(4, "--max-frames", 1000) == one


def test_a_folder_of_damaged_images_is_an_error_with_any_number_of_workers(
    command: Command, color_models: dict[str, Path], tmp_path: Path
) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(b"no image")
    for workers in (1, 4):
        done = command(
            "edge-classify", "-m", color_models["uint8"], "--input", tmp_path, "--workers", workers
        )
        done.fails_at_last_with(4, "no image in it that can be read")


def test_a_folder_is_slowed_down_while_the_processor_is_throttled(
    color_models: dict[str, Path], tmp_path: Path
) -> None:
    for number in range(64):
        save(tmp_path / f"{number}.png", paint((250, 0, 0), 9, 9))
    path, said = color_models["uint8"], list[str]()
    watch = HotReload(path, lambda _running: load_model(read_model_file(path)), say=said.append)
    hot = Hardware(temperature=85.0, throttle_count=None, throttled_by=("too hot",), governor=None)
    throttle = Throttle(None, say=said.append, read=lambda: hot)
    throttle.interval(0.0)
    folder = FolderSource(tmp_path, say=said.append)
    results = list(WorkerPool(watch, 2).observe_folder(folder, 1, throttle))
    assert [result.frame.index for result in results if result] == list(range(64))
    assert said == ["the processor is throttled (too hot): working at half the rate"]
