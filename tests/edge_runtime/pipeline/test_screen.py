"""`edge-classify` in a terminal and in a window."""

import os
import pty
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import BIN, COLORS, Command, paint, save


@pytest.fixture
def model(color_models: dict[str, Path]) -> Path:
    return color_models["uint8"]


def test_names_cannot_steer_the_terminal(command: Command, model: Path) -> None:
    done = command("edge-classify", "-m", model, "--input", "\x1b[31mred\x1b[0m.jpg")
    done.fails_with(4, "?[31mred?[0m.jpg: no such file")


def test_without_a_screen_a_window_is_refused(command: Command, model: Path) -> None:
    arguments = ("edge-classify", "-m", model, "--input", "synthetic", "--max-frames", 2, "--show")
    command(*arguments, DISPLAY="").fails_with(6, "cannot open a window", "--preview")
    command(*arguments, DISPLAY=":77").fails_with(6, "cannot open a window")


@pytest.mark.skipif(not shutil.which("xvfb-run"), reason="xvfb is not installed")
def test_a_window_shows_the_frames(command: Command, model: Path, tmp_path: Path) -> None:
    save(tmp_path / "p.png", paint(COLORS["red"]))
    shown = subprocess.run(
        ["xvfb-run", "-a", BIN / "edge-classify", "-m", model, "--input", tmp_path, "--show"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (shown.returncode, shown.stdout.count("red 1.00")) == (0, 1), shown.stderr


def test_a_terminal_gets_colours_and_a_bar(model: Path, tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / f"{number}.png", paint(COLORS["green"]))
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [BIN / "edge-classify", "-m", model, "--input", tmp_path], stdout=child, stderr=child,
        env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(child)
    shown = b"".join(read_all(parent))
    assert process.wait(20) == 0
    assert b"\x1b[" in shown
    assert shown.count(b"green 1.00") == 3


def read_all(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(descriptor, 4096)
        except OSError:  # the other end of a terminal is closed
            break
        if not chunk:
            break
        yield chunk
    os.close(descriptor)
