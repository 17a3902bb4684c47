"""`edge-classify` as a user runs it."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from tests.conftest import BIN, COLORS, Command, paint, save

SYNTHETIC = ("--input", "synthetic", "--max-frames", "3")


@pytest.fixture
def model(color_models: dict[str, Path]) -> Path:
    return color_models["uint8"]


def cpu_seconds(*command: object) -> float:
    """Processor time of a command: other work on the machine is not in it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(word) for word in command], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_costs_little_more_than_the_libraries_it_needs(command: Command) -> None:
    done = command("edge-classify", "--help")
    assert done.code == 0
    assert "--camera" in done.out
    libraries = (sys.executable, "-c", "import numpy, typer.main, typer.rich_utils")
    pairs = [(cpu_seconds(BIN / "edge-classify", "--help"), cpu_seconds(*libraries)) for _ in range(4)]
    assert min(ours for ours, _ in pairs) <= 2.5 * min(theirs for _, theirs in pairs), pairs


def test_an_image_is_named_in_text_and_in_json(command: Command, model: Path, tmp_path: Path) -> None:
    image = save(tmp_path / "p.png", paint(COLORS["blue"]))
    text = command("edge-classify", "-m", model, "--input", image)
    assert (text.code, text.err) == (0, "")
    assert text.out.startswith(f"{image}: blue 1.00, ")
    lines = command("edge-classify", "-m", model, "--input", image, "--format", "jsonl", "-k", 1)
    assert json.loads(lines.out)["predictions"][0]["label"] == "blue"


def test_the_model_is_found_by_environment_then_in_the_folder(
    command: Command, model: Path, tmp_path: Path
) -> None:
    command("edge-classify", *SYNTHETIC, cwd=tmp_path).fails_with(
        3, "model.tflite: no such model file", "edge-convert run"
    )
    assert command("edge-classify", *SYNTHETIC, cwd=tmp_path, EDGE_MODEL=str(model)).code == 0
    (tmp_path / "model.tflite").write_bytes(model.read_bytes())
    (tmp_path / "labels.txt").write_text("r\ng\nb\n")
    assert command("edge-classify", *SYNTHETIC, cwd=tmp_path).code == 0


def test_without_a_camera_one_line_says_what_to_try(command: Command, model: Path) -> None:
    command("edge-classify", "--camera", 97, "-m", model).fails_with(
        4, "camera:97: it cannot be opened", "try"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("--camera 0", "--input")),
        (("--camera", 0, "--input", "x.jpg"), ("one of",)),
        (("--input", "synthetic", "--top-k", 0), ("--top-k must be 1 to", "got 0")),
        (("--input", "synthetic", "--format", "xml"), ("text", "jsonl")),
        (("--input", "synthetic", "--wrong"), ("--wrong",)),
        ((*SYNTHETIC, "--input-range", "5"), ("LOW,HIGH",)),
        ((*SYNTHETIC, "--input-range", "nan,nan"), ("two numbers",)),
        ((*SYNTHETIC, "--input-range", "0,inf"), ("two numbers",)),
        ((*SYNTHETIC, "--to", "mqtt://host", "--mqtt-discovery", "home#"), ("--mqtt-discovery", "home#")),
        ((*SYNTHETIC, "--engine", "warp"), ("warp", "litert")),
    ],
)
def test_wrong_usage_is_one_line(
    command: Command, model: Path, arguments: tuple[object, ...], words: tuple[str, ...]
) -> None:
    command("edge-classify", "-m", model, *arguments).fails_with(2, *words)


@pytest.mark.parametrize("content", [b"", b"no image", "half"], ids=["empty", "text", "truncated"])
def test_bad_images_are_one_line(command: Command, model: Path, tmp_path: Path, content: bytes | str) -> None:
    path = save(tmp_path / "bad.jpg", paint((1, 2, 3), 200, 200))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)
    command("edge-classify", "-m", model, "--input", path).fails_with(4, "bad.jpg")


def test_an_empty_folder_and_a_missing_file_are_one_line(
    command: Command, model: Path, tmp_path: Path
) -> None:
    command("edge-classify", "-m", model, "--input", tmp_path).fails_with(4, "no image")
    command("edge-classify", "-m", model, "--input", tmp_path / "none.jpg").fails_with(4, "none.jpg")
    command("edge-classify", "-m", model, "--input", "", cwd=tmp_path).fails_with(4, "no such file")


def test_bad_models_are_one_line(command: Command, model: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.tflite"
    half.write_bytes(model.read_bytes()[: model.stat().st_size // 2])
    labels = tmp_path / "labels.txt"
    labels.write_text("r\ng\nb\n")
    command("edge-classify", "-m", half, *SYNTHETIC).fails_with(3, "half.tflite")
    labels.write_text("r\ng\n")
    command("edge-classify", "-m", model, "--labels", labels, *SYNTHETIC).fails_with(
        3, "2 classes", "3 outputs"
    )
    command("edge-classify", "-m", model, "--self-test").fails_with(3, "no golden samples")


def test_debug_shows_the_traceback(command: Command, tmp_path: Path) -> None:
    done = command("edge-classify", "-m", tmp_path / "none.tflite", *SYNTHETIC, "--debug")
    assert "Traceback" in done.err
    assert done.code == 1


def test_a_reader_that_goes_away_is_no_error(model: Path, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    errors = tmp_path / "errors"
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            [BIN / "edge-classify", "-m", model, "--input", "synthetic"], stdout=writer, stderr=stderr
        )
        os.close(writer)
        assert os.read(reader, 10)
        os.close(reader)
        assert process.wait(20) == 0
    assert errors.read_text() == ""


def test_a_full_disk_is_one_line(model: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [BIN / "edge-classify", "-m", model, "--input", "synthetic"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=30,
        )
    assert (done.returncode, done.stderr.count("\n")) == (6, 1)
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [(signal.SIGTERM, 0, ""), (signal.SIGINT, 130, "edge-classify: interrupted\n")],
)
def test_signals_end_it_with_whole_lines(
    model: Path, tmp_path: Path, number: signal.Signals, code: int, words: str
) -> None:
    with (tmp_path / "out.jsonl").open("w") as out:
        process = subprocess.Popen(
            [BIN / "edge-classify", "-m", model, "--input", "synthetic", "--format", "jsonl"],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = monotonic() + 30
        while not (tmp_path / "out.jsonl").stat().st_size and monotonic() < deadline:
            pass
        process.send_signal(number)
        _, told = process.communicate(timeout=5)
        assert (process.returncode, told) == (code, words)
    for line in (tmp_path / "out.jsonl").read_text().splitlines():
        json.loads(line)


@pytest.mark.parametrize("home", [None, "/proc/1/nothing"])
def test_without_a_home_it_works_too(model: Path, tmp_path: Path, home: str | None) -> None:
    """As a container's user may have none, and no entry in the list of users."""
    gone = ("HOME", "XDG_CACHE_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in gone}
    if home:
        environment["HOME"] = home
    code = (
        "import os, pwd, sys; pwd.getpwuid = lambda _: (_ for _ in ()).throw(KeyError('uid'));"
        f"sys.argv = ['edge-classify', '-m', {str(model)!r}, '--input', 'synthetic', '--max-frames', '1'];"
        "from edge_runtime.cli.classify import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=False, env={**environment, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stdout.count("synthetic: ")) == (0, 1), done.stderr


def test_file_names_that_are_no_utf8_do_not_end_it(command: Command, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"f\xe9")
    save(folder / "p.png", paint(COLORS["red"]))
    for kind in ("text", "jsonl", "csv"):
        done = command("edge-classify", "-m", model, "--input", folder, "--format", kind)
        assert (done.code, done.err) == (0, ""), kind
        assert "red" in done.out
