"""`edge-bench loop` on a pattern, a folder, a video and a loopback camera: the product itself is measured."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.loop import LoopReport
from edge_runtime import UsageError
from edge_runtime.core import from_json
from tests.conftest import Command, paint, save
from tests.edge_runtime.sources.test_sources import write_video
from tests.servers import Server, healthy


def measured(command: Command, model: Path, folder: Path, *arguments: object) -> LoopReport:
    done = command("edge-bench", "loop", "-m", model, *arguments, "--out", folder, cwd=model.parent)
    assert done.code == 0, done.err
    assert "frames a second" in done.out
    assert "age of a frame" in (folder / "loop.md").read_text()
    text = (folder / "loop.json").read_bytes()
    report: LoopReport = from_json(text, LoopReport, name="loop.json", error=UsageError)
    return report


def test_a_pattern_takes_a_processor(command: Command, digits_model: Path, tmp_path: Path) -> None:
    report = measured(command, digits_model, tmp_path, "--input", "synthetic", "--seconds", 2)
    assert report.frames > 50
    assert report.frames_per_second == pytest.approx(report.frames / report.seconds)
    assert 2 <= report.seconds < 3
    assert report.cpu_percent > 20
    assert 30e6 < report.resident_bytes < 500e6
    assert report.counts is None
    assert 0 < report.age.p50 <= report.age.p99
    assert sum(report.stages.values()) < report.age.p99


def test_a_folder_ends_by_itself_and_says_how_short_it_was(
    command: Command, digits_model: Path, tmp_path: Path
) -> None:
    for number in range(30):
        save(tmp_path / "in" / f"{number}.png", paint((8 * number, 0, 0)))
    report = measured(command, digits_model, tmp_path / "out", "--input", tmp_path / "in")
    assert report.frames == 29
    assert any("the source ended after" in line for line in report.warnings)


def test_of_a_video_every_frame_is_answered(command: Command, digits_model: Path, tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.avi", [(number, 0, 0) for number in range(200)])
    report = measured(command, digits_model, tmp_path / "out", "--input", video)
    assert report.frames == 199


def test_a_loopback_camera_gives_its_rate_ages_and_counts(
    command: Command, digits_model: Path, tmp_path: Path, serve: Callable[..., Server]
) -> None:
    camera = serve(healthy)
    report = measured(command, digits_model, tmp_path, "--input", camera.url, "--seconds", 3)
    # It sends at most 50 a second.
    assert 5 < report.frames_per_second < 60
    assert report.counts is not None
    # A frame is counted when it is read, and answered later.
    assert report.counts.read >= report.frames - 1
    assert report.counts.reopened == 0
    # The capture process is counted too.
    assert report.resident_bytes > 60e6
    assert report.source == camera.url


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "name one source"),
        (("--camera", 0, "--input", "x"), 2, "name one source"),
        (("--input", "nothing"), 4, "no such file or folder"),
        (("--input", "synthetic", "-m", "nothing.tflite"), 3, "no such model file"),
        (("--input", "synthetic", "--seconds", 0), 2, "--seconds must be"),
    ],
)
def test_errors_are_those_of_the_product(
    command: Command,
    digits_model: Path,
    tmp_path: Path,
    arguments: tuple[object, ...],
    code: int,
    words: str,
) -> None:
    done = command("edge-bench", "loop", "-m", digits_model, *arguments, cwd=tmp_path)
    done.fails_at_last_with(code, words)


def test_a_password_is_not_in_the_report(
    command: Command, digits_model: Path, tmp_path: Path, serve: Callable[..., Server]
) -> None:
    camera = serve(healthy)
    url = camera.url.replace("http://", "http://user:secret@")
    measured(command, digits_model, tmp_path, "--input", url, "--seconds", 1)
    assert "secret" not in json.dumps([path.read_text() for path in tmp_path.iterdir()])
