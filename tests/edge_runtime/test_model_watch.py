"""The model file is replaced while it is in use."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_runtime import Classifier, Frame, ModelError, ModelFile, ModelWatch, clock
from edge_runtime.files import write_file
from tests.conftest import COLORS, paint

FRAME = Frame(paint(COLORS["red"]), 0, 0.0, 0.0, "x")


class Watched:
    """A watch on a copy of a model file, with labels beside it."""

    def __init__(self, folder: Path, source: Path) -> None:
        self.path = folder / "model.tflite"
        (folder / "labels.txt").write_text("red\ngreen\nblue\n")
        write_file(self.path, source.read_bytes())
        self.said: list[str] = []
        self.watch = ModelWatch(self.path, Classifier, say=self.said.append, look_every=0.05)

    def replace(self, content: bytes) -> None:
        write_file(self.path, content)

    def work_until(self, condition: Callable[[], bool]) -> int:
        frames, deadline = 0, clock.now() + 60
        while not condition():
            assert clock.now() < deadline, self.said
            assert self.watch.observe(FRAME, 1).predictions[0].label == "red"
            frames += 1
            time.sleep(0.005)
        return frames


@pytest.fixture
def watched(tmp_path: Path, color_models: dict[str, Path]) -> Watched:
    return Watched(tmp_path, color_models["uint8"])


def test_a_new_model_takes_over_while_frames_go_on(watched: Watched, color_models: dict[str, Path]) -> None:
    new = color_models["int8"].read_bytes()
    before = watched.watch.current.model.sha256
    watched.replace(new)
    frames = watched.work_until(lambda: bool(watched.said))
    assert "a new model runs" in watched.said[0]
    assert watched.watch.current.model.content == new
    assert watched.watch.current.model.sha256 != before
    assert frames > 1


def test_bad_files_are_refused_and_said_and_the_old_one_runs_on(
    watched: Watched, color_models: dict[str, Path]
) -> None:
    good = color_models["int8"].read_bytes()
    before = watched.watch.current
    for number, bad in enumerate((b"", b"no model at all", good[: len(good) // 2])):
        watched.replace(bad)
        watched.work_until(lambda wanted=number + 1: len(watched.said) == wanted)  # type: ignore[misc]
        assert "the old one runs on" in watched.said[-1]
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


@pytest.mark.slow
def test_no_flipped_bit_ever_ends_this_process(color_models: dict[str, Path]) -> None:
    """Every 64th byte with one bit flipped: each is refused with a reason, or runs."""
    content = color_models["uint8"].read_bytes()
    outcomes = {"runs": 0, "refused": 0}
    for position in range(0, len(content), 64):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position // 64 % 8
        try:
            Classifier(ModelFile(bytes(damaged), tuple(COLORS), None, "damaged.tflite")).classify(FRAME.image)
            outcomes["runs"] += 1
        except ModelError:
            outcomes["refused"] += 1
    assert outcomes["refused"]
    assert outcomes["runs"]
