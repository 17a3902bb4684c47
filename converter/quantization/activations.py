"""The activations of a calibrated float model: the operators around them, and the values that they take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.flatbuffer import unpack
from converter.quantization.calibration import representative_dataset
from converter.tensorflow_internals import open_all_tensors
from edge_runtime.core import Image, Tick, no_tick
from edge_runtime.inference import InputRange

OUTPUTS = ("Identity", "StatefulPartitionedCall")
"""How the names begin that TensorFlow gives the output of a graph, and of a SavedModel."""


@dataclass(frozen=True)
class Activation:
    """A tensor between operators.

    Attributes:
        index: in the subgraph.
        name: given by the converter.
        low: lowest value measured in calibration.
        high: highest value.
        operators: output tensor names of the operators that write it or read it.
    """

    index: int
    name: str
    low: float
    high: float
    operators: tuple[str, ...]


def read_activations(calibrated: bytes) -> list[Activation]:
    """Every calibrated activation of a model, in the order in which they are computed."""
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
    calibrated: bytes, images: Sequence[Image], input_range: InputRange, indices: Sequence[int]
) -> Iterator[list[NDArray[Any]]]:
    """For each image the float values of these tensors."""
    run = open_all_tensors(calibrated, indices)
    for (tensor,) in representative_dataset(images, input_range):
        yield run(tensor)


@dataclass(frozen=True)
class Channels:
    """Lowest, highest and mean value of each channel of an activation, float32, each shape (channels,)."""

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
    calibrated: bytes, images: Sequence[Image], input_range: InputRange, tick: Tick = no_tick
) -> dict[int, Channels]:
    """Run the images through a float model and measure the channels of every activation.

    Returns:
        Tensor index → its channels.
    """
    indices = [each.index for each in read_activations(calibrated)]
    low: dict[int, NDArray[Any]] = {}
    high: dict[int, NDArray[Any]] = {}
    total: dict[int, NDArray[Any]] = {}
    for done, values in enumerate(run_all_tensors(calibrated, images, input_range, indices), 1):
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
    """The layer's name from a converted tensor's: `…/Relu6;…/Conv1_1/convolution` → `Conv1`."""
    if name.startswith(OUTPUTS):
        return "output"
    pieces = [piece.split("/") for piece in name.split(";")]
    weighted = [parts for parts in pieces if parts[-1] in ("convolution", "depthwise", "MatMul")]
    parts = (weighted or pieces)[0]
    layer = parts[-2] if len(parts) > 1 else parts[0]
    return layer.removesuffix("_1")


def _span(tensor: Any) -> tuple[float, float]:
    return float(tensor.quantization.min[0]), float(tensor.quantization.max[0])
