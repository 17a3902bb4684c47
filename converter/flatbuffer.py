"""Unpack a `.tflite` for changes, and pack it again."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNATURE, OUTPUT = "serving_default", "output_0"
"""What TensorFlow calls the signature of a SavedModel, and its only output."""


def unpack(content: bytes) -> tuple[Any, Any]:
    """The schema's module and the model as an object tree."""
    from ai_edge_litert import schema_py_generated as schema

    return schema, schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))


def pack(model: Any) -> bytes:
    """The bytes of an unpacked model."""
    import flatbuffers

    builder = flatbuffers.Builder(1024**2)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def kind_of(schema: Any, model: Any, operator: Any) -> str:
    """The name of an operator in the schema, such as `CONV_2D`; its number where the schema has none."""
    code = model.operatorCodes[operator.opcodeIndex]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    return names_of(schema.BuiltinOperator).get(number, str(number))


def names_of(enumeration: Any) -> dict[int, str]:
    """Number → name of an enumeration of the schema."""
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


def with_signature(content: bytes) -> bytes:
    """A model with the signature that TensorFlow gives a SavedModel, for `get_signature_runner()`.

    Args:
        content: the bytes of a `.tflite` with one input and one output.
    """
    schema, model = unpack(content)
    graph, signature = model.subgraphs[0], schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = SIGNATURE, 0
    signature.inputs = [_named(schema, graph.tensors[graph.inputs[0]].name, graph.inputs[0])]
    signature.outputs = [_named(schema, OUTPUT, graph.outputs[0])]
    model.signatureDefs = [signature]
    return pack(model)


def with_output(content: bytes, tensor: int) -> bytes:
    """A model whose only output is another tensor of its first subgraph."""
    _schema, model = unpack(content)
    model.subgraphs[0].outputs = np.array([tensor], np.int32)
    model.signatureDefs = []
    return pack(model)


def drop_unused_tensors(model: Any) -> None:
    """Remove the tensors of the first subgraph that no operator, input or output uses any more."""
    graph = model.subgraphs[0]
    groups = [
        graph.inputs,
        graph.outputs,
        *(each for op in graph.operators for each in (op.inputs, op.outputs)),
    ]
    used = sorted({int(index) for group in groups for index in group if index >= 0})
    place = {-1: -1} | {old: new for new, old in enumerate(used)}

    def moved(indices: Any) -> NDArray[np.int32]:
        return np.array([place[int(index)] for index in indices], np.int32)

    graph.tensors = [graph.tensors[index] for index in used]
    graph.inputs, graph.outputs = moved(graph.inputs), moved(graph.outputs)
    for operator in graph.operators:
        operator.inputs, operator.outputs = moved(operator.inputs), moved(operator.outputs)
    for signature in model.signatureDefs or ():
        for entry in (*signature.inputs, *signature.outputs):
            entry.tensorIndex = place[int(entry.tensorIndex)]


def get_weights(model: Any, operator: Any, position: int) -> NDArray[np.float32]:
    """A constant float32 input of an operator of the first subgraph.

    Raises:
        ValueError: the input is computed.
    """
    tensor = model.subgraphs[0].tensors[operator.inputs[position]]
    data = model.buffers[tensor.buffer].data
    if data is None:
        raise ValueError(f"{tensor.name!r} is not constant")
    return np.asarray(data, np.uint8).view(np.float32).reshape(tensor.shape)


def set_weights(model: Any, operator: Any, position: int, weights: NDArray[np.floating[Any]]) -> None:
    """Replace the values of a constant float32 input."""
    tensor = model.subgraphs[0].tensors[operator.inputs[position]]
    model.buffers[tensor.buffer].data = np.ascontiguousarray(weights, np.float32).view(np.uint8).reshape(-1)


def _named(schema: Any, name: bytes | str, tensor: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name, int(tensor)
    return entry
