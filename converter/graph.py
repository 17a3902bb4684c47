"""The activations of a calibrated float model: who makes them, who reads them, what values they take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.calibration import representative_dataset
from edge_runtime import Image
from edge_runtime.pixels import InputRange


@dataclass(frozen=True)
class Activation:
    """A tensor between operators.

    Attributes:
        index: in the subgraph.
        name: as the converter wrote it.
        low: lowest value that calibration saw.
        high: highest value.
        operators: output tensor names of the operators that make it or read it.
    """

    index: int
    name: str
    low: float
    high: float
    operators: tuple[str, ...]


def read_activations(calibrated: bytes) -> list[Activation]:
    """Every calibrated activation of a model, in the order in which they are made."""
    from ai_edge_litert import schema_py_generated as schema

    graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(calibrated, 0)).subgraphs[0]
    touching: dict[int, list[str]] = {}
    for operator in graph.operators:
        name = graph.tensors[operator.outputs[0]].name.decode()
        for index in (*operator.inputs, *operator.outputs):
            touching.setdefault(int(index), []).append(name)
    return [
        Activation(index, tensor.name.decode(), *_span(tensor), tuple(touching.get(index, ())))
        for index, tensor in enumerate(graph.tensors)
        if tensor.quantization is not None and tensor.quantization.min is not None
    ]


def run_all_tensors(
    calibrated: bytes, images: Sequence[Image], expected: InputRange, indices: Sequence[int]
) -> Iterator[list[NDArray[Any]]]:
    """For each picture the float values of these tensors."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=calibrated, experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    for (pixels,) in representative_dataset(images, expected):
        interpreter.set_tensor(entry, pixels)
        interpreter.invoke()
        yield [np.array(interpreter.get_tensor(index)) for index in indices]


def readable(name: str) -> str:
    """The layer's name out of a converted tensor's: `…/Relu6;…/Conv1_1/convolution` → `Conv1`."""
    if name.startswith("StatefulPartitionedCall"):
        return "output"
    pieces = [piece.split("/") for piece in name.split(";")]
    weighted = [parts for parts in pieces if parts[-1] in ("convolution", "depthwise", "MatMul")]
    parts = (weighted or pieces)[0]
    layer = parts[-2] if len(parts) > 1 else parts[0]
    return layer.removesuffix("_1")


def _span(tensor: Any) -> tuple[float, float]:
    return float(tensor.quantization.min[0]), float(tensor.quantization.max[0])
