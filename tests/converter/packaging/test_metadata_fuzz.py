"""Damage in a model file's TFLite Metadata changes nothing that the toolkit reads, or is refused by name."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter import read_demands
from converter.flatbuffer import pack, unpack
from converter.packaging import Normalization, add_metadata
from edge_runtime import ModelCard, ModelError, pack_model_file, read_model_file
from tests.conftest import linear_model

CARD = ModelCard(labels=("a", "b", "c"), image_size=(8, 8))
MARK = b"M001"
"""The file identifier of a metadata buffer, in its bytes 4 to 8."""


@cache
def named_model() -> bytes:
    """A model with metadata, without labels and card."""
    content = linear_model(8, CARD.labels)
    bare = content[: content.index(b"PK\x03\x04")]
    return add_metadata(bare, CARD, name="m", version="1", normalization=Normalization(0.0, 1.0))


@cache
def metadata_size() -> int:
    _schema, model = unpack(named_model())
    (size,) = [
        len(buffer.data)
        for buffer in model.buffers
        if buffer.data is not None and bytes(buffer.data[4:8]) == MARK
    ]
    return size


@given(st.data())
@settings(max_examples=100)
def test_bytes_of_the_metadata_are_never_interpreted(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(named_model())
    start = content.index(MARK) - 4
    for _ in range(data.draw(st.integers(1, 6))):
        place = start + data.draw(st.integers(0, metadata_size() - 1))
        content[place] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
    path = tmp_path_factory.mktemp("bytes") / "m.tflite"
    path.write_bytes(pack_model_file(bytes(content), CARD))
    file = read_model_file(path)
    assert (file.labels, file.card) == (CARD.labels, CARD)
    assert read_demands(file.content, name="m") == read_demands(named_model(), name="m")


@given(st.data())
@settings(max_examples=60)
def test_entries_that_point_anywhere_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Names and buffer numbers of the metadata's entries, and entries that are there twice or not at all."""
    _schema, model = unpack(named_model())
    for entry in model.metadata:
        entry.buffer = data.draw(st.sampled_from([entry.buffer, 0, len(model.buffers), 2**32 - 1]))
        entry.name = data.draw(st.sampled_from([entry.name, b"", b"TFLITE_METADATA", b"\xff" * 300, None]))
    model.metadata *= data.draw(st.integers(0, 3))
    packed = pack(model)
    path = tmp_path_factory.mktemp("entries") / "m.tflite"
    path.write_bytes(pack_model_file(packed, CARD))
    assert read_model_file(path).card == CARD
    try:
        demands = read_demands(packed, name="m.tflite")
    except ModelError as error:
        assert "m.tflite" in str(error)  # noqa: PT017
    else:
        assert demands == read_demands(named_model(), name="m.tflite")
