import csv
import dataclasses
import io
import json
import os
import resource
import signal
import tempfile
import time
from pathlib import Path
from typing import TextIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime import CsvSink, JsonLinesSink, OnChange, OutputError, TextSink
from edge_runtime.core import UNKNOWN
from edge_runtime.images import read_image
from edge_runtime.sinks.rotating_file import LOOK_EVERY, RotatingFile
from edge_runtime.sinks.saved_frames import SavedFramesSink, SaveWhen
from tests.conftest import paint
from tests.edge_runtime.results import result


def test_on_change_passes_on_the_first_result_and_every_other_answer() -> None:
    stream = io.StringIO()
    sink = OnChange(TextSink(stream))
    for answer in ("cat", "cat", UNKNOWN, UNKNOWN, "cat", "dog"):
        sink.emit(result(answer))
    said = [line.split()[1] for line in stream.getvalue().splitlines()]
    assert said == ["cat", "unknown", "cat", "dog"]


def test_csv_has_a_header_and_a_row_a_frame() -> None:
    stream = io.StringIO()
    sink = CsvSink(stream)
    sink.emit(result('a "quoted", label'))
    sink.emit(result(UNKNOWN, index=1))
    first, second = csv.DictReader(io.StringIO(stream.getvalue()))
    assert first["answer"] == first["label"] == 'a "quoted", label'
    assert first["time"] == "2023-11-14T22:13:20.250+00:00"
    assert (first["score"], first["age_ms"], first["total_ms"]) == ("0.900000", "12.500", "5.300")
    assert (second["frame_id"], second["answer"], second["score"]) == ("1", "unknown", "")


def test_text_shows_what_a_vote_decided_beside_what_the_frame_shows() -> None:
    stream = io.StringIO()
    TextSink(stream).emit(dataclasses.replace(result("cat"), answer="dog"))
    assert stream.getvalue() == "camera:0: dog [cat 0.90] (5.3 ms)\n"


def test_a_terminal_gets_colours() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    TextSink(stream, colored=True).emit(result("cat [bold] 1"))
    assert "cat [bold] 1 0.90" in stream.getvalue()
    assert stream.getvalue().endswith("\n")


@given(
    st.lists(st.text(st.characters(blacklist_characters="\n\r", blacklist_categories=("Cs",))), max_size=40)
)
def test_rotated_files_together_hold_every_line_whole(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        file = RotatingFile(path, max_bytes=60, keep=1000, header="# head")
        for line in lines:
            file.write(f"{line}\n")
        file.close()
        parts = sorted(path.parent.iterdir(), key=lambda part: -int(part.suffix[1:] or 0))
        texts = [part.read_bytes().decode() for part in parts]
        assert all(text.startswith("# head\n") for text in texts)
        found = [line for text in texts for line in text.split("\n")[1:-1]]
        assert found == lines
        assert all(len(text.encode()) <= 60 or text.count("\n") == 2 for text in texts)


def test_only_as_many_full_files_as_asked_for_are_kept(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "log", max_bytes=10, keep=2)
    for number in range(10):
        file.write(f"line {number}\n")
    file.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "log.1", "log.2"]
    assert (tmp_path / "log").read_text() == "line 9\n"
    assert (tmp_path / "log.2").read_text() == "line 7\n"


def test_half_a_line_from_a_power_cut_stays_by_itself(tmp_path: Path) -> None:
    (tmp_path / "log").write_text('{"whole": 1}\n{"ha')
    file = RotatingFile(tmp_path / "log", max_bytes=1000, keep=1)
    file.write('{"next": 2}\n')
    file.close()
    assert (tmp_path / "log").read_text().splitlines()[-1] == '{"next": 2}'


def test_a_full_disk_leaves_only_whole_lines(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    file = RotatingFile(tmp_path / "log", max_bytes=10**6, keep=1)
    sink = JsonLinesSink(file)  # type: ignore[arg-type]
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot write to .*log: File too large"):
            emit_many(sink)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
        file.close()
    lines = (tmp_path / "log").read_text().splitlines()
    assert [json.loads(line)["frame_id"] for line in lines] == list(range(len(lines)))
    assert lines


def test_a_full_disk_takes_no_line_of_another_program(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    file = RotatingFile(tmp_path / "log", max_bytes=10**6, keep=1)
    file.write("ours\n")
    with (tmp_path / "log").open("a") as other:
        other.write("theirs\n")
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            file.write("longer than what is left\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
        file.close()
    assert (tmp_path / "log").read_text() == "ours\ntheirs\n"


def emit_many(sink: JsonLinesSink) -> None:
    for index in range(100):
        sink.emit(result("cat", index=index))


def test_a_file_that_cannot_be_opened_is_an_error_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write to"):
        RotatingFile(tmp_path / "file" / "log", max_bytes=10, keep=1)
    with pytest.raises(OutputError, match="/dev/full: No space left"):
        RotatingFile(Path("/dev/full"), max_bytes=10, keep=1, header="a,b")


def test_frames_are_saved_at_changes(tmp_path: Path) -> None:
    sink = SavedFramesSink(tmp_path / "out", SaveWhen.CHANGE, max_bytes=10**6)
    for index, answer in enumerate(("cat", "cat", "dog", UNKNOWN, UNKNOWN, "a/../b")):
        sink.emit(result(answer, index=index, at=float(index)))
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [
        "edge-classify-20231114-221322.250_dog.jpg",
        "edge-classify-20231114-221323.250_unknown.jpg",
        "edge-classify-20231114-221325.250_a-..-b.jpg",
    ]
    assert read_image(tmp_path / "out" / names[0], at_least=0).shape == (48, 64, 3)


def test_unknown_frames_are_saved_once_a_second_and_the_oldest_go(tmp_path: Path) -> None:
    sink = SavedFramesSink(tmp_path, SaveWhen.UNKNOWN, max_bytes=2500)
    for index in range(100):
        sink.emit(result(UNKNOWN, index=index, at=index / 10))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[-1] == "edge-classify-20231114-221329.250_unknown.jpg"
    assert len(names) < 10
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2500
    # What an earlier run has saved counts too.
    SavedFramesSink(tmp_path, SaveWhen.UNKNOWN, max_bytes=700).emit(result(UNKNOWN, at=100.0))
    assert len(os.listdir(tmp_path)) == 1


def test_files_of_the_users_in_the_folder_are_never_touched(tmp_path: Path) -> None:
    own = ("holiday_1.jpg", "20231114-221322_cat.jpg", "edge-classify-notes_x.jpg", "a_b.jpg", "_.jpg")
    for name in own:
        (tmp_path / name).write_bytes(b"x" * 5000)
    link = tmp_path / "edge-classify-20200101-000000.000_cat.jpg"
    link.symlink_to(tmp_path / "a_b.jpg")
    sink = SavedFramesSink(tmp_path, SaveWhen.UNKNOWN, max_bytes=1500)
    for index in range(30):
        sink.emit(result(UNKNOWN, index=index, at=float(2 * index)))
    assert all((tmp_path / name).read_bytes() == b"x" * 5000 for name in own)
    assert link.is_symlink()
    assert len(list(tmp_path.iterdir())) < len(own) + 10


def test_a_file_that_logrotate_moved_is_begun_anew(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "r.jsonl", max_bytes=10**6, keep=2)
    sink = JsonLinesSink(cast(TextIO, file))
    sink.emit(result("cat"))
    (tmp_path / "r.jsonl").rename(tmp_path / "r.jsonl.moved")
    sink.emit(result("bat"))
    time.sleep(LOOK_EVERY)
    sink.emit(result("dog"))
    (tmp_path / "r.jsonl").unlink()
    time.sleep(LOOK_EVERY)
    sink.emit(result("owl"))
    file.close()
    # What is written before the next look follows the file to its new name.
    moved = (tmp_path / "r.jsonl.moved").read_text().splitlines()
    assert [json.loads(line)["answer"] for line in moved] == ["cat", "bat"]
    assert json.loads((tmp_path / "r.jsonl").read_text())["answer"] == "owl"


def test_names_that_are_no_utf8_reach_every_kind_of_output(tmp_path: Path) -> None:
    strange = dataclasses.replace(result("cat").frame, source="caf\udce9\ud83d.jpg")
    one = dataclasses.replace(result("cat"), frame=strange)
    file = RotatingFile(tmp_path / "r.jsonl", max_bytes=10**6, keep=2)
    JsonLinesSink(cast(TextIO, file)).emit(one)
    CsvSink(cast(TextIO, file), header=False).emit(one)
    TextSink(cast(TextIO, file)).emit(one)
    file.close()
    lines = (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3
    assert json.loads(lines[0])["source"] == "caf\udce9\ud83d.jpg"
    assert lines[2].startswith("caf??.jpg: cat 0.90")


def test_labels_cannot_steer_a_terminal() -> None:
    text = io.StringIO()
    TextSink(text).emit(result("\x1b[31mred\x1b[0m\rx"))
    assert "\x1b" not in text.getvalue()
    assert "\r" not in text.getvalue()
    assert "?[31mred" in text.getvalue()


def test_a_closed_stream_is_an_output_error() -> None:
    text = io.StringIO()
    text.close()
    with pytest.raises(OutputError, match="closed file"):
        TextSink(text).emit(result("cat"))


def test_a_heatmap_is_saved_beside_its_frame_and_counts_for_the_limit(tmp_path: Path) -> None:
    heatmap = paint((250, 200, 0), 16, 16)
    sink = SavedFramesSink(tmp_path, SaveWhen.CHANGE, max_bytes=10**6, draw_heatmap=lambda _result: heatmap)
    for index, answer in enumerate(("cat", "dog")):
        sink.emit(result(answer, index=index, at=float(index)))
    name = "edge-classify-20231114-221321.250_dog"
    assert sorted(os.listdir(tmp_path)) == [f"{name}.heatmap.jpg", f"{name}.jpg"]
    assert read_image(tmp_path / f"{name}.heatmap.jpg", at_least=0).shape == (16, 16, 3)
    SavedFramesSink(tmp_path, SaveWhen.UNKNOWN, max_bytes=700).emit(result(UNKNOWN, at=100.0))
    assert len(os.listdir(tmp_path)) == 1, "those of an earlier run are deleted first"
