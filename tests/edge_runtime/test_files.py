import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_runtime import OutputError
from edge_runtime.files import make_folder, write_file, write_with


def test_a_file_is_written_with_its_parents(tmp_path: Path) -> None:
    write_file(tmp_path / "a" / "b.txt", "grüße")
    assert (tmp_path / "a" / "b.txt").read_text(encoding="utf-8") == "grüße"
    assert os.listdir(tmp_path / "a") == ["b.txt"]


def test_when_writing_fails_the_old_file_stays_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_text("old")

    def full(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match=r"cannot write .*model\.keras: No space left on device"):
        write_with(path, full)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["model.keras"]


def test_a_disk_that_fills_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"old")
    code = f"""
import resource
from pathlib import Path
from edge_runtime import OutputError
from edge_runtime.files import write_file
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_file(Path({str(path)!r}), bytes(200_000))
except OutputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"cannot write {path}: File too large")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.tflite"]


def test_the_temporary_name_ends_like_the_final_one(tmp_path: Path) -> None:
    seen: list[Path] = []

    def note(temporary: Path) -> None:
        seen.append(temporary)
        temporary.touch()

    write_with(tmp_path / "best.weights.h5", note)
    assert seen[0].parent == tmp_path
    assert seen[0].name.endswith(".best.weights.h5")


@pytest.mark.parametrize("place", ["/proc/edge", "/dev/null/x"])
def test_places_that_cannot_be_written_are_named(place: str) -> None:
    with pytest.raises(OutputError, match=place):
        make_folder(Path(place))
    with pytest.raises(OutputError, match=place):
        write_file(Path(place) / "file", b"")
