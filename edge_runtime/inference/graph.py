"""The operators and tensors of a `.tflite`, as far as they are asked for, with bounds: it may be damaged.

Layout: https://flatbuffers.dev/internals and schema.fbs of TensorFlow Lite.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAX_OPERATORS = 100_000

DAMAGED = (struct.error, IndexError, ValueError, StopIteration, KeyError)
"""What reading a damaged file raises."""


class Code(IntEnum):
    """Numbers of schema.fbs, enum BuiltinOperator."""

    AVERAGE_POOL_2D = 1
    CONCATENATION = 2
    CONV_2D = 3
    DEPTHWISE_CONV_2D = 4
    DEQUANTIZE = 6
    FULLY_CONNECTED = 9
    LOGISTIC = 14
    MAX_POOL_2D = 17
    RESHAPE = 22
    SOFTMAX = 25
    CUSTOM = 32
    PAD = 34
    MEAN = 40
    SQUEEZE = 43
    CAST = 53
    QUANTIZE = 114


CHANGES_FORM_ONLY = frozenset({Code.DEQUANTIZE, Code.RESHAPE, Code.SQUEEZE, Code.CAST, Code.QUANTIZE})

CONVOLUTIONS = frozenset({Code.CONV_2D, Code.DEPTHWISE_CONV_2D})
POOLINGS = frozenset({Code.AVERAGE_POOL_2D, Code.MAX_POOL_2D})

_DTYPES: Mapping[int, type[Any]] = MappingProxyType({0: np.float32, 2: np.int32, 9: np.int8})
"""The types of weights and biases, by their number in schema.fbs."""


@dataclass(frozen=True)
class Window:
    """What a convolution or a pooling moves over an image.

    Attributes:
        padded: whether the image is padded so that the output has its size divided by the stride.
        stride: rows, columns.
        size: rows, columns of a pooling; 0 for a convolution, whose weights have it.
    """

    padded: bool
    stride: tuple[int, int]
    size: tuple[int, int]


@dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
        code: of `BuiltinOperator`.
        inputs: tensors.
        activation: fused into a dense layer; 0 for none.
        window: of a convolution or a pooling.
    """

    code: int
    inputs: tuple[int, ...]
    activation: int = 0
    window: Window | None = None


class Graph:
    """The first subgraph of a model.

    Args:
        content: the bytes of a `.tflite`.

    Attributes:
        producers: tensor → the operator that computes it.
        output: the tensor of the first output.

    Raises:
        one of `DAMAGED`: the content is no model.
    """

    def __init__(self, content: bytes) -> None:
        model = Table(content, offset_at(content, 0))
        codes = [_operator_code(code) for code in model.tables(1)]
        graph = next(model.tables(2))
        self._content = content
        self._model = model
        self._graph = graph
        self.producers: dict[int, Operator] = {}
        for entry in graph.tables(3):
            operator = _read_operator(codes[entry.number(0, "<I")], entry)
            for output in entry.numbers(2):
                self.producers[output] = operator
        self.output = graph.numbers(2)[0]

    def read_constant(self, tensor: int) -> NDArray[np.float32]:
        """The real values of a float32, int32 or int8 constant.

        Raises:
            one of `DAMAGED`: it is no such constant.
        """
        entry = list(self._graph.tables(0))[tensor]
        data = list(self._model.tables(4))[entry.number(2, "<I")].octets(0)
        dtype = _DTYPES[entry.number(1, "<b")]
        values = np.frombuffer(data, dtype).reshape(entry.numbers(0)).astype(np.float32)
        if dtype is np.float32:
            return values
        quantization = next(entry.table(4))
        scale = np.array(quantization.floats(2), np.float32)
        if len(scale) not in (1, len(values)):
            raise ValueError("the weights are not quantized by rows")
        return np.asarray(values * scale.reshape(-1, *[1] * (values.ndim - 1)), np.float32)

    def read_integers(self, tensor: int) -> NDArray[np.int32]:
        """An int32 constant that is not quantized.

        Raises:
            one of `DAMAGED`: it is no such constant.
        """
        entry = list(self._graph.tables(0))[tensor]
        if _DTYPES[entry.number(1, "<b")] is not np.int32:
            raise ValueError("no integers")
        data = list(self._model.tables(4))[entry.number(2, "<I")].octets(0)
        return np.frombuffer(data, np.int32).reshape(entry.numbers(0))

    def read_shape(self, tensor: int) -> tuple[int, ...]:
        """The shape of a tensor.

        Raises:
            one of `DAMAGED`: there is no such tensor.
        """
        return tuple(list(self._graph.tables(0))[tensor].numbers(0))

    def with_output(self, tensor: int) -> bytes:
        """The model with another tensor as its only output."""
        start, count = self._graph.vector(2)
        if count != 1:
            raise ValueError("a model with one output is needed")
        return self._content[:start] + struct.pack("<i", tensor) + self._content[start + 4 :]


def _read_operator(code: int, entry: "Table") -> Operator:
    activation, window = 0, None
    if code == Code.FULLY_CONNECTED:
        activation = next((options.number(0, "<b") for options in entry.table(4)), 0)
    if code in CONVOLUTIONS | POOLINGS:
        window = next((_read_window(options, pools=code in POOLINGS) for options in entry.table(4)), None)
    return Operator(code, tuple(entry.numbers(1)), activation, window)


def _read_window(options: "Table", *, pools: bool) -> Window:
    columns, rows = (options.number(field, "<i") for field in (1, 2))
    # Fields 3 and 4 of a convolution have another meaning.
    width, height = (options.number(field, "<i") if pools else 0 for field in (3, 4))
    return Window(options.number(0, "<b") == 0, (rows, columns), (height, width))


def _operator_code(code: "Table") -> int:
    # Codes above 127 are in the newer field only.
    return max(code.number(0, "<b"), code.number(3, "<i"))


class Table:
    """A flatbuffer's table: fields by their number in the schema."""

    def __init__(self, content: bytes, position: int) -> None:
        self._content = content
        self._position = position
        self._fields = position - struct.unpack_from("<i", content, position)[0]
        if not 0 <= self._fields < len(content):
            raise ValueError("a table without fields")
        self._size = struct.unpack_from("<H", content, self._fields)[0]

    def number(self, field: int, form: str) -> int:
        """A number; 0 where it is not set."""
        at = self._at(field)
        return int(struct.unpack_from(form, self._content, at)[0]) if at else 0

    def numbers(self, field: int) -> list[int]:
        """A vector of int32."""
        start, count = self.vector(field)
        return list(struct.unpack_from(f"<{count}i", self._content, start))

    def tables(self, field: int) -> Iterator["Table"]:
        """A vector of tables."""
        start, count = self.vector(field)
        for place in range(start, start + 4 * count, 4):
            yield Table(self._content, offset_at(self._content, place))

    def floats(self, field: int) -> list[float]:
        """A vector of float32."""
        start, count = self.vector(field)
        return list(struct.unpack_from(f"<{count}f", self._content, start))

    def octets(self, field: int) -> bytes:
        """A vector of bytes."""
        start, count = self.vector(field, most=len(self._content))
        return self._content[start : start + count]

    def table(self, field: int) -> Iterator["Table"]:
        """A table inside; none where it is not set."""
        at = self._at(field)
        if at:
            yield Table(self._content, offset_at(self._content, at))

    def vector(self, field: int, most: int = _MAX_OPERATORS) -> tuple[int, int]:
        """Where a vector's first entry is, and how many it has."""
        at = self._at(field)
        if not at:
            return 0, 0
        start = offset_at(self._content, at)
        count = struct.unpack_from("<I", self._content, start)[0]
        if count > most:
            raise ValueError("more entries than a model has")
        return start + 4, count

    def _at(self, field: int) -> int:
        """Where a field's value is; 0 where it is not set."""
        entry = 4 + 2 * field
        if entry + 2 > self._size:
            return 0
        within = struct.unpack_from("<H", self._content, self._fields + entry)[0]
        return self._position + within if within else 0


def offset_at(content: bytes, place: int) -> int:
    """Where an offset points to."""
    return place + int(struct.unpack_from("<I", content, place)[0])
