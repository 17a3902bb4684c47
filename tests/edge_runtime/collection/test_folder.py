"""The folder of a collection: limits, what is dropped first, full disks, kills."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.collection import (
    INDEX_NAME,
    CollectionFolder,
    Entry,
    Kept,
    Limits,
    Reason,
    read_collection,
)
from edge_runtime.collection import (
    folder as folder_module,
)
from edge_runtime.collection.entry import parse_entries
from edge_runtime.collection.folder import FREE_BYTES
from edge_runtime.core import OutputError

DAY = 86_400
LARGE = 10**9


def quiet(_line: str) -> None:
    """Nobody listens."""


def make(number: int, value: float = 0.5, *, day: int = 0, reason: Reason = Reason.UNCERTAIN) -> Entry:
    return Entry(file=f"{number}.jpg", time=day * DAY + number, camera="test", reason=reason, value=value)


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (24, 32, 3)).astype(np.uint8)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("[!.]*.jpg")}


def test_each_frame_has_its_image_and_its_line(tmp_path: Path) -> None:
    folder = CollectionFolder(tmp_path, Limits(LARGE, 100), quiet)
    saved = [folder.save(make(number), noise(number)) for number in range(5)]
    assert [each.file for each in saved if each] == [f"{number}.jpg" for number in range(5)]
    assert read_collection(tmp_path) == saved
    assert all((tmp_path / each.file).stat().st_size == each.size for each in read_collection(tmp_path))


def test_a_full_day_keeps_its_most_useful_frames(tmp_path: Path) -> None:
    folder = CollectionFolder(tmp_path, Limits(LARGE, 10), quiet)
    random = np.random.default_rng(1)
    values = random.random(60).round(3).tolist()
    for number, value in enumerate(values):
        folder.save(make(number, value), noise())
    kept = {each.file for each in read_collection(tmp_path)}
    best = sorted(range(60), key=lambda number: -values[number])[:9]
    assert kept == files(tmp_path) == {f"{number}.jpg" for number in best}, "a tenth is for random frames"
    assert folder.save(make(100, 0.0, day=1), noise()) is not None, "another day has room"


def test_random_frames_have_a_tenth_of_their_own(tmp_path: Path) -> None:
    folder = CollectionFolder(tmp_path, Limits(LARGE, 20), quiet)
    for number in range(50):
        folder.save(make(number, number / 50, reason=Reason.RANDOM), noise())
        folder.save(make(1000 + number, 0.9), noise())
    reasons = [each.reason for each in read_collection(tmp_path)]
    assert reasons.count(Reason.RANDOM) == 2
    assert reasons.count(Reason.UNCERTAIN) == 18


def test_the_size_limit_drops_the_least_useful_of_all_days(tmp_path: Path) -> None:
    size = len(CollectionFolder(tmp_path / "one", Limits(LARGE, 9), quiet).save(make(0), noise()).to_line())
    assert size
    one = next(iter(read_collection(tmp_path / "one"))).size
    folder = CollectionFolder(tmp_path / "all", Limits(5 * one + one // 2, 100), quiet)
    for number, value in enumerate((0.9, 0.2, 0.8, 0.3, 0.7, 0.6, 0.5)):
        assert folder.save(make(number, value, day=number), noise()) is not None
        assert sum(path.stat().st_size for path in (tmp_path / "all").glob("*.jpg")) <= 5.5 * one
    assert files(tmp_path / "all") == {"0.jpg", "2.jpg", "4.jpg", "5.jpg", "6.jpg"}


def test_what_is_there_already_counts_and_the_users_own_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.jpg").write_bytes(b"mine")
    for run in range(3):
        folder = CollectionFolder(tmp_path, Limits(LARGE, 4), quiet)
        for number in range(5):
            folder.save(make(10 * run + number, 0.1 * run + 0.1), noise())
    assert (tmp_path / "mine.jpg").read_bytes() == b"mine"
    assert files(tmp_path) - {"mine.jpg"} == {"20.jpg", "21.jpg", "22.jpg"}


def test_the_index_does_not_grow_for_ever(tmp_path: Path) -> None:
    folder = CollectionFolder(tmp_path, Limits(LARGE, 4), quiet)
    for number in range(2500):
        folder.save(make(number, number / 2500), np.zeros((8, 8, 3), np.uint8))
    assert len((tmp_path / INDEX_NAME).read_text().splitlines()) < 1100
    assert files(tmp_path) == {"2497.jpg", "2498.jpg", "2499.jpg"}


class Disk:
    """A disk of which others use a part."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.room = LARGE
        self._folder = folder
        monkeypatch.setattr("edge_runtime.collection.folder.shutil.disk_usage", lambda _path: self)

    @property
    def free(self) -> int:
        return FREE_BYTES + self.room - sum(path.stat().st_size for path in self._folder.glob("[!.]*.jpg"))


def test_a_full_disk_drops_the_least_useful_and_then_stops_without_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, said = Disk(monkeypatch, tmp_path), []
    folder = CollectionFolder(tmp_path, Limits(LARGE, 100), said.append)
    saved = [folder.save(make(number, 0.1 * number), noise()) for number in range(4)]
    assert saved[0] is not None
    disk.room = 2 * saved[0].size
    assert folder.save(make(9, 0.25), noise()) is not None
    assert files(tmp_path) == {"3.jpg", "9.jpg"}
    assert folder.save(make(10, 0.01), noise()) is None, "what is kept is more useful"
    disk.room = saved[0].size
    assert folder.save(make(11, 0.99), noise()) is not None
    disk.room = -LARGE
    assert folder.save(make(12, 1.0), noise()) is None
    assert files(tmp_path) == {"11.jpg"}, "others fill the disk: dropping what is kept would not help"
    disk.room = LARGE
    assert folder.save(make(13, 0.1), noise()) is not None
    told = [line.split(": ", 1)[1] for line in said]
    assert told == ["the disk is full: not collecting", "collecting again"] * (len(told) // 2)
    assert told


def test_a_quota_drops_frames_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = CollectionFolder(tmp_path, Limits(LARGE, 100), quiet)
    for number in range(3):
        folder.save(make(number, 0.1 * number), noise())
    real = folder_module.write_file

    def write(path: Path, content: bytes) -> None:
        if path.suffix == ".jpg" and len(files(tmp_path)) >= 3:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        real(path, content)

    monkeypatch.setattr(folder_module, "write_file", write)
    assert folder.save(make(9), noise()) is not None
    assert files(tmp_path) == {"1.jpg", "2.jpg", "9.jpg"}


def test_one_frame_a_day_is_one(tmp_path: Path) -> None:
    folder = CollectionFolder(tmp_path, Limits(LARGE, 1), quiet)
    for number in range(5):
        folder.save(make(number, 0.1, reason=Reason.RANDOM), noise())
        folder.save(make(10 + number, 0.1 * number), noise())
    assert files(tmp_path) == {"14.jpg"}


def test_a_damaged_hash_or_size_does_no_harm(tmp_path: Path) -> None:
    folder = CollectionFolder(tmp_path, Limits(LARGE, 10), quiet)
    folder.save(make(1), noise())
    line = (
        make(1)
        .to_line()
        .replace('"hash": ""', '"hash": "no hexadecimal!!"')
        .replace('"size": 0', '"size": -99')
    )
    (tmp_path / INDEX_NAME).write_text(line)
    [entry] = read_collection(tmp_path)
    assert (entry.hash, entry.size) == ("", (tmp_path / "1.jpg").stat().st_size)
    Kept([entry], model="")


def test_a_line_that_was_cut_off_does_not_swallow_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = CollectionFolder(tmp_path, Limits(LARGE, 100), quiet)
    folder.save(make(1), noise())
    with (tmp_path / INDEX_NAME).open("a") as index:
        index.write('{"file": "2.jpg", "ti')
    folder.save(make(3), noise())
    assert [each.file for each in read_collection(tmp_path)] == ["1.jpg", "3.jpg"]


def test_any_other_error_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = CollectionFolder(tmp_path, Limits(LARGE, 100), quiet)

    def broken(*_arguments: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("edge_runtime.collection.folder.write_file", broken)
    with pytest.raises(OutputError, match=r"cannot write into .*Input/output error"):
        folder.save(make(1), noise())


@given(st.lists(st.binary(max_size=60), max_size=8), st.integers(0, 400))
def test_damaged_lines_are_passed_over(damage: list[bytes], cut: int) -> None:
    whole = [make(number).to_line().encode() for number in range(3)]
    content = b"".join(piece + b"\n" for piece in damage) + b"\n" + b"".join(whole)
    found = parse_entries(content[: len(content) - cut], name="index")
    assert [each for each in found if each.camera == "test"] == [
        make(number) for number in range(3) if len(b"".join(whole[number + 1 :])) + 1 >= cut
    ]


@pytest.mark.parametrize("name", ["../up.jpg", "/etc/passwd.jpg", "a/b.jpg", ".hidden.jpg", "x.py"])
def test_names_outside_of_the_folder_are_passed_over(name: str) -> None:
    line = make(1).to_line().replace("1.jpg", name)
    assert parse_entries(line.encode(), name="index") == []


WRITER = """
import sys, numpy as np
from pathlib import Path
from edge_runtime.collection import CollectionFolder, Entry, Limits
folder = CollectionFolder(Path(sys.argv[1]), Limits(10**9, 30), lambda line: None)
image = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
print("ready", flush=True)
for number in range(10**6):
    saved = folder.save(Entry(file=f"{number}.jpg", time=number, camera="c", value=number / 10**6), image)
    print(saved.file, flush=True)
"""


def test_a_kill_at_any_moment_leaves_whole_images_with_their_lines(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, folder], stdout=subprocess.PIPE, text=True, env={**os.environ}
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(random.uniform(0.01, 0.3))
        process.send_signal(signal.SIGKILL)
        told = process.communicate()[0].split()
        entries = {each.file: each for each in read_collection(folder)}
        assert set(entries) == files(folder)
        assert all((folder / name).stat().st_size == each.size for name, each in entries.items())
        whole = [name for name in told if name.endswith(".jpg")][:-1]
        assert set(whole[-20:]) <= set(entries), "what was said to be saved is there"
        CollectionFolder(folder, Limits(LARGE, 30), quiet)
        assert sorted(path.name for path in folder.iterdir()) == sorted([*entries, INDEX_NAME])
