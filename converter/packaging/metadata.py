"""Write standard TFLite Metadata, which MediaPipe Tasks and Android read: name, normalization, labels.

Written after metadata_schema.fbs (file identifier M001) of TensorFlow Lite Support 0.4; the package itself
is not available for current Pythons. Slot numbers are the schema's field numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from converter.flatbuffer import pack, unpack
from edge_runtime.model import LABELS_NAME, ModelCard

BUFFER_NAME = b"TFLITE_METADATA"

_IDENTIFIER = b"M001"
_TENSOR_AXIS_LABELS = 2
_RGB = 1
_FEATURE_PROPERTIES, _IMAGE_PROPERTIES = 1, 2
_NORMALIZATION_OPTIONS = 1


@dataclass(frozen=True)
class Normalization:
    """What a reader computes from pixels in [0, 255] before a float32 input: (pixel - mean) / std."""

    mean: float
    std: float


def add_metadata(
    model: bytes, card: ModelCard, *, name: str, version: str, normalization: Normalization
) -> bytes:
    """Add metadata to a `.tflite`; the label file it names is `labels.txt` in the zip at the file's end.

    Args:
        model: the bytes of a `.tflite` without a zip.
        card: labels and image size.
        name: of the model.
        version: of the model.
        normalization: of a float32 input; readers of a uint8 input ignore it.

    Returns:
        The bytes of the `.tflite` with metadata.
    """
    schema, content = unpack(model)
    buffer = schema.BufferT()
    buffer.data = list(_build(card, name, version, normalization))
    entry = schema.MetadataT()
    entry.name, entry.buffer = BUFFER_NAME, len(content.buffers)
    content.buffers.append(buffer)
    content.metadata = [*(content.metadata or []), entry]
    return pack(content)


def _build(card: ModelCard, name: str, version: str, normalization: Normalization) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    graph = _table(
        builder,
        {
            2: _vector(builder, [_input(builder, normalization)]),
            3: _vector(builder, [_output(builder)]),
        },
    )
    description = (
        f"{card.architecture} image classifier, {len(card.classes)} classes, "
        f"{card.image_size[0]}x{card.image_size[1]} pixels"
    )
    root = _table(
        builder,
        {
            0: builder.CreateString(name),
            1: builder.CreateString(description),
            2: builder.CreateString(version),
            3: _vector(builder, [graph]),
            7: builder.CreateString("1.0.0"),
        },
    )
    builder.Finish(root, _IDENTIFIER)
    return bytes(builder.Output())


def _input(builder: Any, normalization: Normalization) -> int:
    image = _table(builder, {}, numbers={0: _RGB})
    content = _table(builder, {1: image}, numbers={0: _IMAGE_PROPERTIES})
    options = _table(
        builder, {0: _floats(builder, [normalization.mean]), 1: _floats(builder, [normalization.std])}
    )
    unit = _table(builder, {1: options}, numbers={0: _NORMALIZATION_OPTIONS})
    low, high = ((pixel - normalization.mean) / normalization.std for pixel in (0.0, 255.0))
    stats = _table(builder, {0: _floats(builder, [high]), 1: _floats(builder, [low])})
    return _table(
        builder,
        {
            0: builder.CreateString("image"),
            1: builder.CreateString("Image to classify, RGB."),
            3: content,
            4: _vector(builder, [unit]),
            5: stats,
        },
    )


def _output(builder: Any) -> int:
    file = _table(
        builder,
        {0: builder.CreateString(LABELS_NAME), 1: builder.CreateString("One label a line.")},
        numbers={2: _TENSOR_AXIS_LABELS},
    )
    content = _table(builder, {1: _table(builder, {})}, numbers={0: _FEATURE_PROPERTIES})
    stats = _table(builder, {0: _floats(builder, [1.0]), 1: _floats(builder, [0.0])})
    return _table(
        builder,
        {
            0: builder.CreateString("probability"),
            1: builder.CreateString("Score of each label."),
            3: content,
            5: stats,
            6: _vector(builder, [file]),
        },
    )


def _table(builder: Any, offsets: dict[int, int], numbers: dict[int, int] | None = None) -> int:
    """A table with some slots that refer to what was built before, and some that are one-byte numbers."""
    builder.StartObject(max([*offsets, *(numbers or {}), 0]) + 1)
    for slot, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    for slot, number in (numbers or {}).items():
        builder.PrependInt8Slot(slot, number, 0)
    return int(builder.EndObject())


def _vector(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: Any, values: Sequence[float]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())
