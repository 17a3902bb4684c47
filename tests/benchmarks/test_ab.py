"""Two checkouts and two model files in turns."""

import json
from pathlib import Path

import pytest

from tests.conftest import Command, paint, save

SLEEP = ("--", "sh", "-c", "sleep $(cat seconds)")


@pytest.fixture
def checkouts(tmp_path: Path) -> tuple[Path, Path]:
    for name, seconds in (("base", "0.1"), ("head", "0.15")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "seconds").write_text(seconds)
    return tmp_path / "base", tmp_path / "head"


def test_a_slower_checkout_ends_with_9(
    command: Command, checkouts: tuple[Path, Path], tmp_path: Path
) -> None:
    base, head = checkouts
    slower = command("edge-bench", "ab", base, head, "--runs", 4, "--out", tmp_path / "ab.json", *SLEEP)
    assert slower.code == 9, slower.err
    assert "FAILED" in slower.out
    result = json.loads((tmp_path / "ab.json").read_text())
    assert (len(result["base"]), len(result["head"])) == (4, 4)
    assert 1.2 < result["ratio"]["low"] <= result["ratio"]["value"] < 1.6
    assert command("edge-bench", "ab", head, base, "--runs", 3, *SLEEP).code == 0
    assert command("edge-bench", "ab", base, head, "--runs", 3, "--max-slowdown", 2, *SLEEP).code == 0


def test_model_files_are_timed_on_images(
    command: Command, color_models: dict[str, Path], digits_model: Path, tmp_path: Path
) -> None:
    save(tmp_path / "in" / "red.png", paint((255, 0, 0)))
    few = ("--images", tmp_path / "in", "--num-runs", 100)
    same = command("edge-bench", "ab", digits_model, digits_model, *few)
    assert same.code == 0, same.err
    assert "all 1 rules passed" in same.out
    command("edge-bench", "ab", digits_model, digits_model).fails_at_last_with(2, "--images FOLDER")
    command("edge-bench", "ab", digits_model, digits_model, *few, "--", "true").fails_at_last_with(
        2, "a command is for two folders"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing", "here", "--", "true"), "two folders or two model files are expected"),
        ((".", "."), "give the command to run in both"),
        ((".", ".", "--", "no-such-program"), "no-such-program: cannot be run"),
        ((".", ".", "--", "sh", "-c", "echo because >&2; exit 3"), "ended with exit code 3 in .: because"),
        ((), "name the base"),
    ],
)
def test_wrong_usage_is_one_line(
    command: Command, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    command("edge-bench", "ab", *arguments, cwd=tmp_path).fails_at_last_with(2, words)
