"""The list of files and its chunks: each file is in one chunk, and stays in it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime import EdgeError
from edge_runtime.archive.plan import CHUNK, FORMAT, Manifest, Plan, PlanFiles, begin, extend, find_files
from edge_runtime.core import OutputError, SourceError

EMPTY = Manifest(
    format=FORMAT,
    root="/archive",
    model_sha256="0" * 64,
    engine="litert",
    top_k=3,
    threshold=0.0,
    parts=(),
    files_sha256="",
)


def names(count: int, prefix: str = "") -> tuple[str, ...]:
    return tuple(f"{prefix}{number}.jpg" for number in range(count))


@given(st.integers(1, 3 * CHUNK), st.lists(st.integers(0, 2 * CHUNK), max_size=4))
@settings(max_examples=25)
def test_every_file_is_in_one_chunk_and_stays_in_it(count: int, later: list[int]) -> None:
    plan = begin(EMPTY, names(count))
    known = list(plan.chunks())
    found = plan.files
    for number, more in enumerate(later):
        found += names(more, f"later-{number}-")
        plan = extend(plan, found)
        chunks = list(plan.chunks())
        assert chunks[: len(known)] == known, "a shard that is written has the same files for ever"
        known = chunks
    assert [name for chunk in known for name in chunk.files] == list(found)
    assert [chunk.number for chunk in known] == list(range(len(known)))
    assert max(len(chunk.files) for chunk in known) <= CHUNK


def test_a_file_that_is_gone_keeps_its_place() -> None:
    plan = begin(EMPTY, names(5))
    assert extend(plan, names(3)) is plan


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=20, unique=True))
@settings(max_examples=50)
def test_any_file_name_survives(tmp_path_factory: pytest.TempPathFactory, files: list[str]) -> None:
    store = PlanFiles(tmp_path_factory.mktemp("archive"))
    plan = begin(EMPTY, (*files, "not utf-8 \udcff", "line\nbreak"))
    store.write(plan)
    assert store.read() == plan


@given(st.integers(0, 400), st.integers(1, 255))
@settings(max_examples=60)
def test_a_damaged_list_or_manifest_is_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, flip: int
) -> None:
    folder = tmp_path_factory.mktemp("archive")
    store, plan = PlanFiles(folder), begin(EMPTY, names(9))
    store.write(plan)
    for path in (folder / "manifest.json", folder / "files.txt"):
        content = bytearray(path.read_bytes())
        content[place % len(content)] ^= flip
        path.write_bytes(content)
        try:
            read = store.read()
        except EdgeError:
            store.write(plan)
            continue
        # Only what is no part of the list may be another: a name in the manifest.
        assert read.files == plan.files
        store.write(plan)


def test_a_list_names_files_relative_to_its_folder(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes("b/1.jpg\n\na 2.jpg\r\nb/1.jpg\n c\u2028d.jpg ".encode())
    found = ("b/1.jpg", "a 2.jpg", " c\u2028d.jpg ")
    assert find_files(tmp_path / "list.txt") == (tmp_path.resolve(), found)
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(SourceError, match="no image"):
        find_files(tmp_path / "empty.txt")
    with pytest.raises(SourceError, match="no such folder"):
        find_files(tmp_path / "none")


def test_half_written_files_are_refused(tmp_path: Path) -> None:
    store = PlanFiles(tmp_path)
    store.write(begin(EMPTY, names(9)))
    (tmp_path / "files.txt").write_text('"0.jpg"\n')
    with pytest.raises(OutputError, match="do not belong together"):
        store.read()
    assert isinstance(begin(EMPTY, names(1)), Plan)
