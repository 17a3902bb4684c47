import os
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
