"""`install.sh` takes a machine to a working command, again and again, and removes what it made."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import BIN, ROOT

SCRIPT = ROOT / "install.sh"


def install(home: Path, *options: object) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "HOME": str(home)}
    return subprocess.run(
        ["sh", SCRIPT, *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
        timeout=900,
    )


def test_it_is_clean_and_explains_itself(tmp_path: Path) -> None:
    subprocess.run([BIN / "shellcheck", SCRIPT], check=True)
    done = install(tmp_path, "--help")
    assert done.returncode == 0
    assert "--uninstall" in done.stdout


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--nothing",), 2, "there is no option --nothing"),
        (("--model",), 2, "--model needs a value"),
        (("--service", "--camera 0"), 2, "--service needs --model"),
        (("--model", "none.tflite"), 3, "none.tflite: no such model file"),
        (("--wheels", "/nowhere"), 2, "make them with `make wheels`"),
    ],
)
def test_wrong_options_change_nothing(
    tmp_path: Path, options: tuple[str, ...], code: int, words: str
) -> None:
    done = install(tmp_path, *options)
    assert (done.returncode, len(done.stderr.splitlines())) == (code, 1)
    assert words in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_of_others_is_neither_used_nor_removed(tmp_path: Path) -> None:
    (tmp_path / "edge").mkdir()
    (tmp_path / "edge" / "mine").touch()
    assert install(tmp_path).returncode == 2
    done = install(tmp_path, "--uninstall")
    assert done.returncode == 1
    assert "was not made by install.sh" in done.stderr
    assert (tmp_path / "edge" / "mine").exists()


@pytest.mark.extra
def test_from_nothing_to_an_answer_twice_and_back(
    tmp_path: Path, dist: Path, digits_model: Path, digits_run: Path
) -> None:
    for _ in range(2):
        done = install(
            tmp_path, "--wheels", dist, "--headless", "--model", digits_model, "--extras", "sign,web"
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "self-test: 4 of 4 golden samples" in done.stdout
    packages = {path.name.partition("-")[0] for path in (tmp_path / "edge").rglob("*.dist-info")}
    assert {"opencv_python_headless", "cryptography", "aiohttp"} <= packages
    assert "opencv_python" not in packages
    command = [tmp_path / "edge/bin/edge-classify", "-m", digits_model, "--input", digits_run / "examples"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(answer.stdout.splitlines()) == 10
    done = install(tmp_path, "--uninstall")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "edge").exists()
