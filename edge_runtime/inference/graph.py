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

    CONCATENATION = 2
    DEQUANTIZE = 6
    FULLY_CONNECTED = 9
    LOGISTIC = 14
    RESHAPE = 22
    SOFTMAX = 25
    CUSTOM = 32
    MEAN = 40
    SUB = 41
    SQUEEZE = 43
    CAST = 53
    QUANTIZE = 114


CHANGES_FORM_ONLY = frozenset({Code.DEQUANTIZE, Code.RESHAPE, Code.SQUEEZE, Code.CAST, Code.QUANTIZE})

_DTYPES: Mapping[int, type[Any]] = MappingProxyType({0: np.float32, 2: np.int32, 9: np.int8})
"""The types of weights and biases, by their number in schema.fbs."""


@dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
        code: of `BuiltinOperator`.
        inputs: tensors.
        activation: fused into a dense layer; 0 for none.
    """

    code: int
    inputs: tuple[int, ...]
    activation: int = 0


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

    def with_output(self, tensor: int) -> bytes:
        """The model with another tensor as its only output."""
        start, count = self._graph.vector(2)
        if count != 1:
            raise ValueError("a model with one output is needed")
        return self._content[:start] + struct.pack("<i", tensor) + self._content[start + 4 :]


def _read_operator(code: int, entry: "Table") -> Operator:
    activation = 0
    if code == Code.FULLY_CONNECTED:
        activation = next((options.number(0, "<b") for options in entry.table(4)), 0)
    return Operator(code, tuple(entry.numbers(1)), activation)


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
