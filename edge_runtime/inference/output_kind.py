"""Whether a model's outputs are scores or logits, from the operator that computes them.

Only the tables of a `.tflite` that lead to that operator are read, with bounds: the file may be damaged.
Layout: https://flatbuffers.dev/internals and schema.fbs of TensorFlow Lite.
"""

import struct
from collections.abc import Iterator
from enum import Enum

import numpy as np

from edge_runtime.inference.tensors import TensorSpec

# Numbers of schema.fbs, enum BuiltinOperator.
_DEQUANTIZE, _LOGISTIC, _RESHAPE, _SOFTMAX, _CUSTOM, _SQUEEZE, _CAST, _QUANTIZE = (
    6,
    14,
    22,
    25,
    32,
    43,
    53,
    114,
)
_CHANGES_FORM_ONLY = frozenset({_DEQUANTIZE, _RESHAPE, _SQUEEZE, _CAST, _QUANTIZE})
_MAX_STEPS = 8
_MAX_OPERATORS = 100_000


class OutputKind(Enum):
    """Scores in [0, 1], or logits that a softmax or a sigmoid turns into scores."""

    SCORES = "scores"
    LOGITS = "logits"


def output_kind(content: bytes, spec: TensorSpec) -> OutputKind:
    """What the outputs of a model are, decided once when it is loaded.

    Args:
        content: the bytes of a `.tflite`.
        spec: its output.
    """
    if not spec.quantized:
        return kind_of_last_operator(content) or OutputKind.SCORES
    limits = np.iinfo(spec.dtype)
    low, high = spec.real(np.array([limits.min, limits.max]))
    # A quantized output whose range is [0, 1] can hold nothing but scores.
    is_score = low >= -0.01 and high <= 1.01
    return OutputKind.SCORES if is_score else kind_of_last_operator(content) or OutputKind.LOGITS


def kind_of_last_operator(content: bytes) -> OutputKind | None:
    """What the first output of a model is, from the operator that computes it.

    Args:
        content: the bytes of a `.tflite`.

    Returns:
        Scores after a softmax or a sigmoid, logits after any other builtin operator; None after a custom
        operator, whose meaning is not in the file, and for a damaged file.
    """
    try:
        operator = _last_operator(content)
    except (struct.error, IndexError, ValueError, StopIteration):
        return None
    if operator is None or operator == _CUSTOM:
        return None
    return OutputKind.SCORES if operator in (_SOFTMAX, _LOGISTIC) else OutputKind.LOGITS


def _last_operator(content: bytes) -> int | None:
    """The builtin operator that computes the first output, past those that only change its form."""
    model = _Table(content, _offset(content, 0))
    codes = [_operator_code(code) for code in model.tables(1)]
    graph = next(model.tables(2))
    producers = {}
    for operator in graph.tables(3):
        for output in operator.numbers(2):
            producers[output] = operator
    wanted = graph.numbers(2)[0]
    for _ in range(_MAX_STEPS):
        if wanted not in producers:
            return None
        producer = producers[wanted]
        code = codes[producer.number(0, "<I")]
        if code not in _CHANGES_FORM_ONLY:
            return code
        wanted = producer.numbers(1)[0]
    return None


def _operator_code(code: "_Table") -> int:
    # Codes above 127 are in the newer field only.
    return max(code.number(0, "<b"), code.number(3, "<i"))


class _Table:
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
        start, count = self._vector(field)
        return list(struct.unpack_from(f"<{count}i", self._content, start))

    def tables(self, field: int) -> Iterator["_Table"]:
        """A vector of tables."""
        start, count = self._vector(field)
        for place in range(start, start + 4 * count, 4):
            yield _Table(self._content, _offset(self._content, place))

    def _vector(self, field: int) -> tuple[int, int]:
        at = self._at(field)
        if not at:
            return 0, 0
        start = _offset(self._content, at)
        count = struct.unpack_from("<I", self._content, start)[0]
        if count > _MAX_OPERATORS:
            raise ValueError("more entries than a model has")
        return start + 4, count

    def _at(self, field: int) -> int:
        """Where a field's value is; 0 where it is not set."""
        entry = 4 + 2 * field
        if entry + 2 > self._size:
            return 0
        within = struct.unpack_from("<H", self._content, self._fields + entry)[0]
        return self._position + within if within else 0


def _offset(content: bytes, place: int) -> int:
    return place + int(struct.unpack_from("<I", content, place)[0])
