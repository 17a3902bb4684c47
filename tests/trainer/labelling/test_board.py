"""Labels are moves of files, written down before they happen."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.core import DatasetError, OutputError, UsageError, move_file, to_json
from trainer.labelling.board import Board, Change, check_label, collect_items
from trainer.labelling.journal import FOLDER, Action, Journal, Kind, Step


def fill(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(b"image %d" % number)
    return folder


def open_board(tmp_path: Path) -> Board:
    data = tmp_path / "birds"
    data.mkdir(exist_ok=True)
    collection = tmp_path / "collection"
    return Board(collect_items([collection]), data.resolve(), Journal(data.resolve(), [collection]))


def everything(tmp_path: Path) -> list[bytes]:
    """The content of every image, wherever it is."""
    return sorted(path.read_bytes() for path in tmp_path.rglob("*.jpg"))


def test_a_label_moves_the_file_and_undo_moves_it_back(tmp_path: Path) -> None:
    fill(tmp_path / "collection", 4)
    board = open_board(tmp_path)
    first, second, *_ = [item.id for item in board.pending()]
    assert board.label([first, second], "robin").ids == (first, second)
    assert {path.name for path in (tmp_path / "birds" / "robin").iterdir()} == {"0.jpg", "1.jpg"}
    assert board.counts() == {"robin": 2}
    assert (board.done, board.total) == (2, 4)
    assert board.label([first], "wren") == Change(), "done on another page"
    assert board.undo().ids == (first, second)
    assert board.counts()["robin"] == 0
    assert {path.name for path in (tmp_path / "collection").iterdir()} == {f"{n}.jpg" for n in range(4)}
    assert board.undo().ids == ()


def test_undo_reaches_back_over_a_new_start(tmp_path: Path) -> None:
    fill(tmp_path / "collection", 2)
    board = open_board(tmp_path)
    [one, _two] = [item.id for item in board.pending()]
    board.label([one], "robin")
    again = open_board(tmp_path)
    assert len(again.pending()) == 1
    assert again.undo().ids == (one,)
    assert len(again.pending()) == 2


def test_a_name_that_is_taken_gets_a_number_and_nothing_is_overwritten(tmp_path: Path) -> None:
    fill(tmp_path / "collection", 1)
    fill(tmp_path / "collection" / "sub", 1)
    (tmp_path / "birds" / "robin").mkdir(parents=True)
    (tmp_path / "birds" / "robin" / "0.jpg").write_bytes(b"mine")
    board = open_board(tmp_path)
    assert len(board.label([item.id for item in board.pending()], "robin").ids) == 2
    found = {path.name: path.read_bytes() for path in (tmp_path / "birds" / "robin").iterdir()}
    assert set(found) == {"0.jpg", "0-1.jpg", "0-2.jpg"}
    assert found["0.jpg"] == b"mine"


def test_what_is_skipped_stays_and_is_remembered(tmp_path: Path) -> None:
    fill(tmp_path / "collection", 2)
    board = open_board(tmp_path)
    [one, two] = [item.id for item in board.pending()]
    assert board.skip([one]).ids == (one,)
    assert [item.id for item in board.pending()] == [two]
    steps = [step for action in Journal(tmp_path / "birds").actions for step in action.steps]
    assert [Path(step.source).name for step in steps] == ["0.jpg"]


def test_a_file_that_is_gone_is_a_problem_of_its_own(tmp_path: Path) -> None:
    fill(tmp_path / "collection", 3)
    board = open_board(tmp_path)
    (tmp_path / "collection" / "1.jpg").unlink()
    ids = [item.id for item in board.pending()]
    change = board.label(ids, "robin")
    assert change.ids == (ids[0], ids[2])
    assert len(change.problems) == 1
    assert "1.jpg" in change.problems[0]
    assert Journal(tmp_path / "birds").problems == []


BAD = ("", " ", ".hidden", "a/b", "..", "a\nb", "x" * 101, " robin", "a\\b", "\ud800")


@pytest.mark.parametrize("label", BAD)
def test_a_class_is_the_name_of_a_folder(label: str) -> None:
    with pytest.raises(UsageError, match="a class is a name"):
        check_label(label)


@pytest.mark.parametrize("label", ["robin", "Zaunkönig", "not alpaca", "鳥", "0"])
def test_any_name_of_a_folder_is_a_class(label: str) -> None:
    check_label(label)


def test_a_link_out_of_a_collection_is_left_alone(tmp_path: Path) -> None:
    fill(tmp_path / "collection", 1)
    fill(tmp_path / "elsewhere", 1)
    (tmp_path / "collection" / "link.jpg").symlink_to(tmp_path / "elsewhere" / "0.jpg")
    assert [item.path.name for item in collect_items([tmp_path / "collection"])] == ["0.jpg"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="none: expected a collection"):
        collect_items([tmp_path / "none"])


def test_a_file_moves_to_another_file_system_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "a", 2)

    def no_links(*_paths: object) -> None:
        raise OSError("Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_links)
    move_file(tmp_path / "a" / "0.jpg", tmp_path / "b" / "0.jpg")
    assert (tmp_path / "b" / "0.jpg").read_bytes() == b"image 0"
    assert not (tmp_path / "a" / "0.jpg").exists()
    (tmp_path / "b" / "1.jpg").write_bytes(b"another")
    with pytest.raises(OutputError, match="another file is there"):
        move_file(tmp_path / "a" / "1.jpg", tmp_path / "b" / "1.jpg")
    assert (tmp_path / "a" / "1.jpg").exists()


def test_a_strangers_journal_moves_nothing_of_other_folders(tmp_path: Path) -> None:
    """A data folder may come with a journal whose last action was never finished."""
    private = fill(tmp_path / "private", 2).resolve()
    data = (tmp_path / "birds").resolve()
    journal = Journal(data, [private])
    steps = [Step(str(private / "0.jpg"), str(data / "robin" / "0.jpg"))]
    journal.perform(Kind.MOVE, steps)
    path = data / FOLDER / "journal.jsonl"
    path.write_bytes(path.read_bytes().split(b'{"done"')[0])
    (data / "robin" / "0.jpg").rename(private / "0.jpg")
    (data / "link").symlink_to(private)
    other = Step(str(data / "link" / "1.jpg"), str(data / "robin" / "1.jpg"))
    path.write_bytes(path.read_bytes() + to_json(Action(9, Kind.MOVE, (other,))).encode() + b"\n")
    stranger = Journal(data)
    assert len(stranger.problems) == 2
    assert "not in the folders of this command" in stranger.problems[0]
    assert {each.name for each in private.iterdir()} == {"0.jpg", "1.jpg"}
    with pytest.raises(OutputError, match="name its folder to take it back"):
        stranger.undo()
    assert Journal(data, [private]).problems == []
    assert not list(private.iterdir()), "with its folder named, it is finished"


CUTS = st.integers(0, 600)


@given(CUTS, st.booleans(), st.booleans())
def test_an_interrupted_action_is_finished_or_never_began(
    tmp_path_factory: pytest.TempPathFactory, cut: int, moved: bool, both: bool
) -> None:
    """A kill after any byte of the journal, before, between or after the moves."""
    tmp_path = tmp_path_factory.mktemp("cut")
    collection = fill(tmp_path / "collection", 2).resolve()
    data = (tmp_path / "birds").resolve()
    journal = Journal(data, [collection])
    steps = [Step(str(collection / f"{n}.jpg"), str(data / "robin" / f"{n}.jpg")) for n in range(2)]
    journal.perform(Kind.MOVE, steps)
    path = data / FOLDER / "journal.jsonl"
    content = path.read_bytes()
    began = content.index(b'{"done"')
    path.write_bytes(content[: max(0, len(content) - cut)])
    whole = len(content) - cut >= began - 1
    if whole and not moved and cut > 1:
        # The kill came before the moves, or after the first link.
        for step in steps:
            Path(step.target).rename(step.source)
        if both:
            os.link(steps[0].source, steps[0].target)
    again = Journal(data, [collection])
    assert again.problems == []
    assert everything(tmp_path) == [b"image 0", b"image 1"]
    if whole:
        assert len(list((data / "robin").iterdir())) == 2
        assert len(again.actions) == 1
    assert Journal(data, [collection]).actions == again.actions, "finished once"
