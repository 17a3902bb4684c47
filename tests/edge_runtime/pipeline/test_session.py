"""`edge-classify` as a process that runs for months: what ends it, what does not, what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_runtime import encode_jpeg, read_image, read_run
from edge_runtime.core import clock
from tests.conftest import BIN, COLORS, Command, paint, save
from tests.edge_runtime.processes import children
from tests.edge_runtime.sources.test_sources import write_video


@pytest.fixture
def model(color_models: dict[str, Path]) -> Path:
    return color_models["uint8"]


class Running:
    """The command at work, with its stderr in a file."""

    def __init__(
        self, folder: Path, model: Path, *arguments: object, stdin: int = subprocess.DEVNULL
    ) -> None:
        self._errors = folder / "stderr"
        with self._errors.open("w") as errors:
            self.process = subprocess.Popen(
                [BIN / "edge-classify", "-m", model, *map(str, arguments)],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    def first_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def wait_for(self, words: str) -> None:
        deadline = clock.now() + 30
        while words not in self.errors:
            assert clock.now() < deadline, self.errors
            time.sleep(0.05)

    def ends_within_5_seconds(self, number: signal.Signals) -> int:
        orphans = children(self.process.pid)
        self.process.send_signal(number)
        code = self.process.wait(5)
        deadline = clock.now() + 5
        while left := [child for child in orphans if Path(f"/proc/{child}").exists()]:
            assert clock.now() < deadline, left
            time.sleep(0.05)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


SIGNALS = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)


@SIGNALS
def test_signals_end_it_while_a_camera_is_waited_for(
    model: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    running = Running(tmp_path, model, "--camera", "/dev/video97", "--wait")
    running.wait_for("lost: it cannot be opened")
    assert running.ends_within_5_seconds(number) == code


@SIGNALS
def test_signals_end_it_while_a_video_never_opens(
    model: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    os.mkfifo(tmp_path / "never.mp4")
    running = Running(tmp_path, model, "--input", tmp_path / "never.mp4")
    deadline = clock.now() + 20
    while not children(running.process.pid):
        assert clock.now() < deadline
        time.sleep(0.05)
    assert running.ends_within_5_seconds(number) == code


@SIGNALS
def test_signals_end_it_while_nothing_comes_on_stdin(
    model: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    reader, writer = os.pipe()
    running = Running(tmp_path, model, "--input", "-", stdin=reader)
    os.write(writer, encode_jpeg(paint(COLORS["red"])))
    os.close(reader)
    assert "red" in running.first_line()
    assert running.ends_within_5_seconds(number) == code
    os.close(writer)


@SIGNALS
def test_signals_end_it_between_two_slow_frames(
    model: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    running = Running(tmp_path, model, "--input", "synthetic", "--fps", "0.01")
    assert "synthetic" in running.first_line()
    assert running.ends_within_5_seconds(number) == code


def test_a_closed_stdin_is_one_line(model: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -m "$1" --input - <&-', BIN / "edge-classify", model],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stderr.count("\n")) == (4, 1), done.stderr
    assert "stdin" in done.stderr


def test_a_closed_stdout_is_one_line_and_no_reason_where_results_go_elsewhere(
    model: Path, tmp_path: Path
) -> None:
    script = 'exec "$0" -m "$1" --input synthetic --max-frames 2 $2 >&-'

    def run(*more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["sh", "-c", script, BIN / "edge-classify", model, *more],
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=30,
        )

    closed = run()
    assert (closed.returncode, closed.stderr.count("\n")) == (6, 1), closed.stderr
    assert "stdout is closed" in closed.stderr
    elsewhere = run(f"--to=jsonl:{tmp_path / 'r.jsonl'}")
    assert (elsewhere.returncode, elsewhere.stderr) == (0, "")
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 2


def test_a_killed_command_leaves_no_capture_child(model: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never.mp4")
    running = Running(tmp_path, model, "--input", tmp_path / "never.mp4")
    deadline = clock.now() + 20
    while not (left := children(running.process.pid, "edge_runtime.sources.capture")):
        assert clock.now() < deadline
        time.sleep(0.05)
    running.process.kill()
    running.process.communicate()
    deadline = clock.now() + 5
    while any(Path(f"/proc/{child}").exists() for child in left):
        assert clock.now() < deadline
        time.sleep(0.05)


def test_a_watched_folder_gives_what_comes_into_it_whole(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    save(folder / "old.png", paint(COLORS["green"]))
    running = Running(tmp_path, model, "--input", folder, "--watch", "-k", "1")
    time.sleep(1.5)
    whole = encode_jpeg(paint(COLORS["blue"], 200, 200))
    with (folder / "growing.jpg").open("wb") as file:
        file.write(whole[:300])
        file.flush()
        time.sleep(0.8)
        save(folder / "quick.png", paint(COLORS["red"]))
        assert "quick.png: red" in running.first_line()
        file.write(whole[300:])
    assert "growing.jpg: blue" in running.first_line()
    save(folder / "quick.png", paint(COLORS["green"], 31, 31))
    assert "quick.png: green" in running.first_line()
    assert running.ends_within_5_seconds(signal.SIGTERM) == 0
    assert running.errors == ""


def test_several_sinks_at_once(command: Command, model: Path, tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.avi", [COLORS["red"]] * 3 + [COLORS["blue"]] * 2)
    done = command(
        "edge-classify", "-m", model, "--input", video, "--on-change",
        "--to", "text", "--to", f"jsonl:{tmp_path}/a/out.jsonl", "--to", f"csv:{tmp_path}/out.csv",
        "--save-frames", tmp_path / "saved",
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == 2
    lines = [json.loads(line) for line in (tmp_path / "a" / "out.jsonl").read_text().splitlines()]
    assert [(line["frame_id"], line["answer"]) for line in lines] == [(0, "red"), (3, "blue")]
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 3
    assert [path.name.partition("_")[2] for path in (tmp_path / "saved").iterdir()] == ["blue.jpg"]


def test_every_frame_of_a_video_is_classified_and_a_part_on_request(
    command: Command, model: Path, tmp_path: Path
) -> None:
    video = write_video(tmp_path / "v.avi", [COLORS["red"], COLORS["green"]] * 10)
    done = command("edge-classify", "-m", model, "--input", video, "--format", "csv", "--every", 2)
    assert [line.split(",")[3] for line in done.out.splitlines()[1:]] == ["red"] * 10


def test_the_camera_may_hang_upside_down(command: Command, model: Path, tmp_path: Path) -> None:
    image = paint(COLORS["red"], 40, 40)
    image[20:] = COLORS["blue"]
    path = save(tmp_path / "p.png", image)
    arguments = ("edge-classify", "-m", model, "--input", path, "-k", 1, "--roi", "0,0,40,20")
    assert "red" in command(*arguments).out
    assert "blue" in command(*arguments, "--rotate", 180).out
    assert "blue" in command(*arguments, "--flip", "vertical").out


def test_options_come_from_a_file_and_the_command_line_overrides(
    command: Command, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.toml").write_text(
        f'model = "{model}"\ninput = "synthetic"\nmax_frames = 2\nformat = "jsonl"\n'
    )
    assert len(command("edge-classify", "--config", tmp_path / "c.toml").out.splitlines()) == 2
    assert (
        len(command("edge-classify", "--config", tmp_path / "c.toml", "--max-frames", 3).out.splitlines())
        == 3
    )
    (tmp_path / "c.toml").write_text("colour = 1\n")
    command("edge-classify", "--config", tmp_path / "c.toml").fails_with(2, "there is no option 'colour'")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--to", "xml"), 2, ("--to takes", "xml")),
        (("--to", "jsonl:"), 2, ("needs a file name",)),
        (("--to", "jsonl:/dev/full"), 6, ("/dev/full", "No space left")),
        (("--to", "csv:/dev/full"), 6, ("/dev/full", "No space left")),
        (("--to", "mqtt://a:b@host"), 2, ("no password",)),
        (("--roi", "1,2"), 2, ("--roi",)),
        (("--roi", "5000,0,10,10"), 2, ("outside of the image of 640x480",)),
        (("--every", "0"), 2, ("--every",)),
        (("--pixel-format", "MJ"), 2, ("four letters",)),
        (("--delegate", "libnone.so"), 2, ("--delegate libnone.so", "cannot be loaded")),
        (("--save-frames", "/dev/null/x"), 6, ("/dev/null/x",)),
        (("--preview", "0", "--preview-host", "203.0.113.1"), 6, ("cannot serve the preview",)),
        (("--watch",), 4, ("--watch needs an existing folder",)),
    ],
)
def test_what_cannot_work_is_one_line(
    command: Command, model: Path, arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    done = command("edge-classify", "-m", model, "--input", "synthetic", "--max-frames", 5, *arguments)
    done.fails_with(code, *words)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system with 64 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not allowed here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_fills_up_keeps_whole_lines(command: Command, model: Path, small_disk: Path) -> None:
    synthetic = ("edge-classify", "-m", model, "--input", "synthetic", "--max-frames", 2000, "--fps", 1000)
    done = command(*synthetic, "--to", f"jsonl:{small_disk / 'r.jsonl'}")
    done.fails_with(6, "r.jsonl", "No space left on device")
    lines = (small_disk / "r.jsonl").read_text().splitlines(keepends=True)
    assert 50 < len(lines) < 2000
    assert [json.loads(line)["frame_id"] for line in lines] == list(range(len(lines)))
    assert lines[-1].endswith("\n")


def test_a_disk_that_fills_up_keeps_whole_images(command: Command, model: Path, small_disk: Path) -> None:
    arguments = ("--input", "synthetic", "--fps", 50, "--threshold", 1, "--save-frames", small_disk)
    done = command(
        *("edge-classify", "-m", model, *arguments, "--save-when", "unknown", "--format", "jsonl"), timeout=60
    )
    assert done.code == 6
    assert "No space left on device" in done.err
    assert done.out
    images = list(small_disk.iterdir())
    assert images
    assert all(read_image(path, at_least=0).shape == (480, 640, 3) for path in images)


def test_the_clock_may_be_set_back(model: Path, tmp_path: Path) -> None:
    """Half an hour back between two frames: the wall clock is a label, nothing waits for it."""
    code = f"""
import itertools, sys, time
from edge_runtime.core import clock
calls = itertools.count()
clock.wall_time = lambda: time.time() - (1800 if next(calls) >= 10 else 0)
sys.argv = ["edge-classify", "-m", {str(model)!r}, "--input", "synthetic", "--fps", "10",
            "--max-frames", "20", "--smooth", "0.5", "--format", "jsonl", "-t", "1.0",
            "--save-frames", {str(tmp_path)!r}]
from edge_runtime.cli.classify import main
main()
"""
    started = clock.now()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    stamps = [json.loads(line)["timestamp_ms"] for line in done.stdout.splitlines()]
    assert len(stamps) == 20
    assert stamps[10] < stamps[9] - 1_700_000
    assert clock.now() - started < 30


@pytest.mark.slow
def test_drift_is_said_once(command: Command, digits_run: Path, digits_model: Path, tmp_path: Path) -> None:
    """The held-out digits, then the same with black and white exchanged."""
    run = read_run(digits_run)
    data = run.open_data()
    digits = [data.read(each.file) for each in run.split("test")]
    for number, image in enumerate([*digits, *(255 - each for each in digits)]):
        save(tmp_path / "images" / f"{number:04d}.png", image)
    done = command("edge-classify", "-m", digits_model, "--input", tmp_path / "images", "--format", "jsonl")
    assert done.code == 0, done.err
    answers = [json.loads(line)["answer"] for line in done.out.splitlines()]
    assert answers[: len(digits)].count("unknown") < 0.15 * len(digits)
    assert answers[len(digits) :].count("unknown") > 0.2 * len(digits)
    lines = [line for line in done.err.splitlines() if "drift" in line]
    assert len(lines) == 1, done.err
    assert "drift: brighter: " in lines[0]


@pytest.mark.slow
def test_heatmaps_are_saved_or_refused_with_the_reason(
    command: Command, color_models: dict[str, Path], digits_model: Path, tmp_path: Path
) -> None:
    for number, color in enumerate(((255, 0, 0), (0, 255, 0))):
        save(tmp_path / "images" / f"{number}.png", paint(color))
    inputs = ("--input", tmp_path / "images")
    command("edge-classify", "-m", digits_model, *inputs, "--heatmap").fails_with(2, "--save-frames")
    saving = (*inputs, "--save-frames", tmp_path / "saved", "--heatmap")
    command("edge-classify", "-m", digits_model, *saving).fails_with(3, "one position", "--image-size")
    done = command("edge-classify", "-m", color_models["uint8"], *saving)
    assert done.code == 0, done.err
    (heatmap,) = (tmp_path / "saved").glob("*_green.heatmap.jpg")
    assert read_image(heatmap, at_least=0).shape == (8, 8, 3)
