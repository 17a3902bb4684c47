"""`--delegate` with a real library, made by the system's C compiler."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import COLORS, Command, paint, save

COMPILER = shutil.which("cc")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler is installed: apt install gcc")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("delegate") / "libdelegate.so"
    source = Path(__file__).with_name("delegate.c")
    subprocess.run([str(COMPILER), "-shared", "-fPIC", "-o", path, source], check=True)
    return path


def test_a_delegate_is_loaded_with_its_options(
    command: Command, library: Path, color_models: dict[str, Path], tmp_path: Path
) -> None:
    save(tmp_path / "p.png", paint(COLORS["red"]))
    report = tmp_path / "report.txt"
    given = f"{library},report={report},other=1"
    arguments = ("edge-classify", "-m", color_models["uint8"], "--input", tmp_path / "p.png")
    done = command(*arguments, "--delegate", given)
    assert (done.code, done.out.split()[1]) == (0, "red"), done.err
    assert report.read_text() == "2 options\n"


def test_a_delegate_that_fails_or_is_none_is_one_line(
    command: Command, library: Path, color_models: dict[str, Path], tmp_path: Path
) -> None:
    arguments = ("edge-classify", "-m", color_models["uint8"], "--input", "synthetic", "--max-frames", 1)
    command(*arguments, "--delegate", f"{library},fail=1").fails_with(3, "litert cannot load this model")
    command(*arguments, "--delegate", f"{library},fail").fails_with(2, "NAME=VALUE")
    empty = tmp_path / "libempty.so"
    (tmp_path / "empty.c").write_text("int nothing;\n")
    subprocess.run([str(COMPILER), "-shared", "-fPIC", "-o", empty, tmp_path / "empty.c"], check=True)
    command(*arguments, "--delegate", empty).fails_with(2, "--delegate", "not a delegate")
