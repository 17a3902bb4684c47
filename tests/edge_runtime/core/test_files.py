import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_runtime import OutputError
from edge_runtime.core import lock_folder, make_folder, remove_temporaries, write_file, write_with


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
from edge_runtime.core import write_file
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


def test_a_folder_is_written_by_one_process_at_a_time(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from edge_runtime.core import lock_folder
with lock_folder(Path({str(tmp_path)!r})):
    print("locked", flush=True)
    sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    with pytest.raises(OutputError, match="another process writes into it"), lock_folder(tmp_path):
        pass
    process.kill()
    process.communicate()
    with lock_folder(tmp_path):
        pass
    with lock_folder(tmp_path, shared=True), lock_folder(tmp_path, shared=True):
        pass


def test_what_a_killed_process_left_behind_is_removed_and_nothing_else(tmp_path: Path) -> None:
    left, others = tmp_path / ".0123abcd.state.npz", [tmp_path / "state.npz", tmp_path / ".x.state.npz"]
    for path in (left, *others):
        path.touch()
    remove_temporaries(tmp_path / "state.npz")
    assert sorted(tmp_path.iterdir()) == sorted(others)
