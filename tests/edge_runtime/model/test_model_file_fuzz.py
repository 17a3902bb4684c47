"""Model files from strangers: zips, cards and metadata that are nearly right are read or refused by name."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime import GoldenSample, ModelCard, ModelError, encode_png, pack_model_file, read_model_file
from edge_runtime.model.model_file import CARD_NAME, LABELS_NAME
from tests.conftest import paint

# What is read of a `.tflite` here is its mark; the operators are fuzzed with edge-check.
BARE = b"\x1c\0\0\0TFL3" + bytes(56)
CARD = ModelCard(
    labels=("red", "green"),
    image_size=(8, 8),
    golden=(GoldenSample(encode_png(paint((1, 2, 3), 8, 8)), (0.25, 0.75)),),
    metrics={"test": {"accuracy": 0.5}},
    versions={"python": "3.11"},
)
PACKED = pack_model_file(BARE, CARD)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=10)
    | st.sampled_from(["A" * 5000, 10**400, "\ud800", "../../x", "\x1b[2J"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def edit(content: Any, data: st.DataObject) -> Any:
    """Change one place of a JSON document: replace, remove or add a value."""
    if isinstance(content, dict) and content and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(content)))
        changed = dict(content)
        match data.draw(st.sampled_from(["inside", "remove", "rename"])):
            case "inside":
                changed[name] = edit(content[name], data)
            case "remove":
                del changed[name]
            case "rename":
                changed[data.draw(st.text(max_size=5))] = changed.pop(name)
        return changed
    if isinstance(content, list) and content and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(content) - 1))
        return [*content[:place], edit(content[place], data), *content[place + 1 :]]
    return data.draw(JSON)


def refuse_or(read: Callable[[], Any], *words: str) -> Any:
    """What is read; None where it is refused, in one line with these words."""
    try:
        return read()
    except ModelError as error:
        assert "\n" not in str(error)  # noqa: PT017
        assert any(word in str(error) for word in words)  # noqa: PT017
        return None


@given(st.data())
@settings(max_examples=150)
def test_an_edited_card_is_read_or_refused(data: st.DataObject) -> None:
    text = json.dumps(edit(json.loads(CARD.to_json()), data))
    card = refuse_or(lambda: ModelCard.from_json(text, name="card.json"), "card.json")
    if card is not None:
        # What was accepted can be written, and is the same when it is read again.
        assert ModelCard.from_json(card.to_json(), name="again") == card


MEMBERS = st.lists(
    st.tuples(
        st.sampled_from([CARD_NAME, LABELS_NAME, "labels_en.txt", "../labels.txt", "/etc/passwd.txt", "a/b"])
        | st.text(max_size=8),
        st.sampled_from([b"", b"red\ngreen\n", b"\xff\xfe", b"{}", CARD.to_json().encode()])
        | st.binary(max_size=40),
        st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]),
    ),
    max_size=5,
)


@given(MEMBERS)
@settings(max_examples=100)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_any_members_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, bytes, int]]
) -> None:
    buffer = io.BytesIO(BARE)
    with zipfile.ZipFile(buffer, "a") as archive:
        for name, content, method in members:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    path = tmp_path_factory.mktemp("zip") / "m.tflite"
    path.write_bytes(buffer.getvalue())
    file = refuse_or(lambda: read_model_file(path), "m.tflite")
    if file is not None:
        names = {name for name, _content, _method in members}
        assert (file.card is not None) <= (CARD_NAME in names)


@given(st.data())
@settings(max_examples=200)
def test_damaged_zip_structures_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Bytes of the local headers, the central directory and its end: sizes, offsets, flags, methods."""
    content = bytearray(PACKED)
    fields = [
        place + offset
        for signature, length in ((b"PK\x03\x04", 30), (b"PK\x01\x02", 46), (b"PK\x05\x06", 22))
        for place in range(len(content) - 4)
        if content[place : place + 4] == signature
        for offset in range(length)
    ]
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.sampled_from(fields))
        if place < len(content):
            content[place] = data.draw(st.sampled_from([0, 1, 2, 8, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(len(BARE), len(content)))
    path = tmp_path_factory.mktemp("damaged") / "m.tflite"
    path.write_bytes(content[:cut])
    file = refuse_or(lambda: read_model_file(path), "m.tflite")
    if file is not None and file.card is not None:
        assert file.labels
