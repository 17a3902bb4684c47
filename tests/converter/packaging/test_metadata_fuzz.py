"""Model files whose TFLite Metadata is damaged are read or refused by name."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter import read_demands
from converter.packaging import Normalization, add_metadata
from edge_runtime import ModelCard, ModelError, pack_model_file, read_model_file
from tests.conftest import linear_model

MARK = b"M001"
"""The file identifier of a metadata buffer, in its bytes 4 to 8."""


@cache
def with_metadata() -> bytes:
    labels = ("a", "b", "c")
    content = linear_model(8, labels)
    card = ModelCard(labels=labels, image_size=(8, 8))
    bare = content[: content.index(b"PK\x03\x04")]
    named = add_metadata(bare, card, name="m", version="1", normalization=Normalization(0.0, 1.0))
    return pack_model_file(named, card)


@given(st.data())
@settings(max_examples=150)
def test_damaged_metadata_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(with_metadata())
    start = content.index(MARK) - 4
    end = content.index(b"PK\x03\x04")
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(start, min(start + 600, end - 1)))
        content[place] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
    path = tmp_path_factory.mktemp("metadata") / "m.tflite"
    path.write_bytes(content)
    for read in (lambda: read_model_file(path).labels, lambda: read_demands(bytes(content), name="m.tflite")):
        try:
            assert read()
        except ModelError as error:
            assert "m.tflite" in str(error)  # noqa: PT017
            assert "\n" not in str(error)  # noqa: PT017
