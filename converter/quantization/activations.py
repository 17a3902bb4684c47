"""The activations of a calibrated float model: who makes them, who reads them, what values they take."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.flatbuffer import unpack
from converter.quantization.calibration import representative_dataset
from edge_runtime import Image
from edge_runtime.core.progress import Tick, no_tick
from edge_runtime.inference.input_encoding import InputRange


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
    graph = unpack(calibrated)[1].subgraphs[0]
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
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=calibrated,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        num_threads=os.cpu_count(),
    )
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    for (pixels,) in representative_dataset(images, expected):
        interpreter.set_tensor(entry, pixels)
        interpreter.invoke()
        yield [interpreter.get_tensor(index) for index in indices]


@dataclass(frozen=True)
class Channels:
    """What the channels of one activation were seen to hold, float32, each of shape (channels,)."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    mean: NDArray[np.float32]

    @property
    def span(self) -> tuple[float, float]:
        """The lowest and highest value of all channels."""
        return float(self.low.min()), float(self.high.max())

    def divided(self, factor: NDArray[np.float32]) -> "Channels":
        """The same after dividing each channel by a positive factor."""
        return Channels(self.low / factor, self.high / factor, self.mean / factor)


def measure_channels(
    calibrated: bytes, images: Sequence[Image], expected: InputRange, tick: Tick = no_tick
) -> dict[int, Channels]:
    """Run the pictures through a calibrated float model and watch the channels of every activation.

    Returns:
        Tensor index → its channels.
    """
    indices = [each.index for each in read_activations(calibrated)]
    low: dict[int, NDArray[Any]] = {}
    high: dict[int, NDArray[Any]] = {}
    total: dict[int, NDArray[Any]] = {}
    for done, values in enumerate(run_all_tensors(calibrated, images, expected, indices), 1):
        tick(done, len(images))
        for index, value in zip(indices, values, strict=True):
            flat = value.reshape(-1, value.shape[-1])
            low[index] = np.minimum(low.get(index, flat[0]), flat.min(axis=0))
            high[index] = np.maximum(high.get(index, flat[0]), flat.max(axis=0))
            total[index] = total.get(index, np.float32(0)) + flat.mean(axis=0)
    count = np.float32(len(images))
    return {
        index: Channels(low[index], high[index], np.asarray(total[index] / count, np.float32))
        for index in indices
    }


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
