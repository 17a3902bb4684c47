"""Whether a model's outputs are scores or logits, from the operator that computes them."""

from enum import Enum

import numpy as np

from edge_runtime.inference.graph import CHANGES_FORM_ONLY, DAMAGED, Code, Graph
from edge_runtime.inference.tensors import TensorSpec

_MAX_STEPS = 8


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
    except DAMAGED:
        return None
    if operator is None or operator == Code.CUSTOM:
        return None
    return OutputKind.SCORES if operator in (Code.SOFTMAX, Code.LOGISTIC) else OutputKind.LOGITS


def _last_operator(content: bytes) -> int | None:
    """The builtin operator that computes the first output, past those that only change its form."""
    graph = Graph(content)
    wanted = graph.output
    for _ in range(_MAX_STEPS):
        if wanted not in graph.producers:
            return None
        producer = graph.producers[wanted]
        if producer.code not in CHANGES_FORM_ONLY:
            return producer.code
        wanted = producer.inputs[0]
    return None
