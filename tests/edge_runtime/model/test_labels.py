from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime import ModelError
from edge_runtime.model import format_labels, parse_labels, read_labels

LINE = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\n\r"), min_size=1).filter(
    lambda text: text == text.strip() and text and not text[0].isdecimal() and not text.startswith("\ufeff")
)


@given(st.lists(LINE, min_size=1))
def test_labels_come_back_as_written(labels: list[str]) -> None:
    assert parse_labels(format_labels(tuple(labels))) == tuple(labels)


def test_a_line_break_inside_a_label_does_not_make_two() -> None:
    assert parse_labels(format_labels(("two\nlines", "one"))) == ("two lines", "one")


@given(st.lists(LINE, min_size=1), st.randoms())
def test_numbered_labels_are_read_in_any_order(labels: list[str], random: object) -> None:
    lines = [f"{number} {label}" for number, label in enumerate(labels)]
    random.shuffle(lines)  # type: ignore[attr-defined]
    assert parse_labels("\n".join(lines)) == tuple(labels)


def test_labels_that_are_numbers_stay_labels() -> None:
    assert parse_labels("0\n1\n2\n") == ("0", "1", "2")
    assert parse_labels("2 wheels\n4 wheels\n") == ("2 wheels", "4 wheels")


def test_windows_line_ends_and_blank_lines_do_not_count() -> None:
    assert parse_labels("\ufeffcat\r\n\r\ndog\r\n") == ("cat", "dog")
    assert parse_labels("0: cat\n1:  dog") == ("cat", "dog")


def test_bad_files_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.txt: cannot be read"):
        read_labels(tmp_path / "none.txt")
    (tmp_path / "blank.txt").write_text("\n \n")
    with pytest.raises(ModelError, match=r"blank\.txt: no label"):
        read_labels(tmp_path / "blank.txt")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(ModelError, match=r"latin\.txt: labels must be UTF-8"):
        read_labels(tmp_path / "latin.txt")


def test_a_number_of_thousands_of_digits_is_a_label_like_any_other() -> None:
    assert parse_labels(f"{'9' * 5000} x\nb\n") == (f"{'9' * 5000} x", "b")
