"""Read the operators of a `.tflite` with their versions, and its tensor types."""

import struct
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any

from edge_runtime.core import ModelError

MAX_OPERATORS = 100_000


@dataclass(frozen=True, order=True)
class Operator:
    """A kind of operator in a model.

    Attributes:
        name: as in TensorFlow Lite's schema (`CONV_2D`), or the name of a custom operator.
        version: the version that a runtime must register.
        count: how often it is in the model.
        custom: not a builtin operator; `Flex…` needs all of TensorFlow.
        types: of its first two inputs, each pair once: activations and weights of a layer.
    """

    name: str
    version: int
    count: int
    custom: bool
    types: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Demands:
    """What a model needs from its runtime.

    Attributes:
        operators: sorted by name.
        types: tensor types in use, as in the schema (`INT8`, `FLOAT32`).
    """

    operators: tuple[Operator, ...]
    types: frozenset[str]


def read_demands(content: bytes, *, name: str) -> Demands:
    """Read a model's operators and tensor types without loading it into an interpreter.

    Args:
        content: the bytes of a `.tflite`.
        name: how messages call it.

    Raises:
        ModelError: the file is damaged.
    """
    from ai_edge_litert import schema_py_generated as schema

    try:
        return _read(schema, schema.Model.GetRootAs(content, 0))
    except (struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ModelError(f"{name}: not a TensorFlow Lite model, or damaged ({error})") from error


def _read(schema: Any, model: Any) -> Demands:
    counts: Counter[int] = Counter()
    pairs: defaultdict[int, set[tuple[str, str]]] = defaultdict(set)
    types: set[str] = set()
    for number in range(model.SubgraphsLength()):
        graph = model.Subgraphs(number)
        if max(graph.OperatorsLength(), graph.TensorsLength()) > MAX_OPERATORS:
            raise ValueError(f"more than {MAX_OPERATORS} operators or tensors")
        tensor_types = [_type_name(graph.Tensors(each).Type()) for each in range(graph.TensorsLength())]
        types.update(tensor_types)
        for operator in map(graph.Operators, range(graph.OperatorsLength())):
            counts[operator.OpcodeIndex()] += 1
            inputs = [operator.Inputs(each) for each in range(operator.InputsLength())][:2]
            if len(inputs) == 2 and min(inputs) >= 0:
                pairs[operator.OpcodeIndex()].add((tensor_types[inputs[0]], tensor_types[inputs[1]]))
    operators = [
        _operator(schema, model.OperatorCodes(index), count, tuple(sorted(pairs[index])))
        for index, count in counts.items()
    ]
    return Demands(tuple(sorted(operators)), frozenset(types))


def _operator(schema: Any, code: Any, count: int, types: tuple[tuple[str, str], ...]) -> Operator:
    # Codes above 127 are in the newer field only.
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    custom = number == schema.BuiltinOperator.CUSTOM
    name = code.CustomCode().decode(errors="replace") if custom else _names("BuiltinOperator").get(number)
    return Operator(name or f"builtin operator {number}", code.Version(), count, custom, types)


def _type_name(number: int) -> str:
    return _names("TensorType").get(number, f"type {number}")


@cache
def _names(enumeration: str) -> dict[int, str]:
    from ai_edge_litert import schema_py_generated as schema

    members = vars(getattr(schema, enumeration)).items()
    return {number: name for name, number in members if isinstance(number, int)}
