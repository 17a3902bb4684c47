"""The engine for LiteRT and tflite-runtime, whose interpreters have the same interface."""

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import ModelError
from edge_runtime.inference.delegate import Delegate, load_delegate
from edge_runtime.inference.engine_registry import MODULES
from edge_runtime.inference.tensors import TensorSpec


class InterpreterEngine:
    """A model in LiteRT's or tflite-runtime's interpreter.

    Args:
        content: the bytes of a `.tflite`.
        name: `litert` or `tflite-runtime`.
        num_threads: 1 or more.
        delegate: a library that runs operators in place of the interpreter.

    Raises:
        ModelError: not one image of a fixed size in and one tensor out.
        ValueError: the interpreter refuses the model.
        ImportError: the interpreter is not installed.
    """

    def __init__(self, content: bytes, name: str, num_threads: int, delegate: Delegate | None = None) -> None:
        module = importlib.import_module(MODULES[name])
        self.name = name
        self.num_threads = num_threads
        self._interpreter = module.Interpreter(
            model_content=content,
            num_threads=num_threads,
            experimental_delegates=[load_delegate(module, delegate)] if delegate else None,
        )
        _check_size(self._interpreter.get_input_details())
        self._interpreter.allocate_tensors()
        self._input_index, self.input = _only("input", self._interpreter.get_input_details())
        self._output_index, self.output = _only("output", self._interpreter.get_output_details())
        _check_input(self.input)
        for role, spec in (("input", self.input), ("output", self.output)):
            _check_dtype(role, spec)

    def invoke(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Run the model; see `Engine.invoke`."""
        self._interpreter.set_tensor(self._input_index, tensor)
        self._interpreter.invoke()
        output: NDArray[Any] = self._interpreter.get_tensor(self._output_index)
        return output


def _only(role: str, details: list[dict[str, Any]]) -> tuple[int, TensorSpec]:
    if len(details) != 1:
        raise ModelError(f"expected one {role} tensor, the model has {len(details)}")
    detail = details[0]
    scale, zero_point = detail["quantization"]
    spec = TensorSpec(
        shape=tuple(int(side) for side in detail["shape"]),
        dtype=np.dtype(detail["dtype"]),
        scale=float(scale),
        zero_point=int(zero_point),
    )
    return int(detail["index"]), spec


def _check_size(details: list[dict[str, Any]]) -> None:
    """Refuse inputs without a size: the interpreter would take them for images of 1 × 1 pixel."""
    for detail in details:
        signature = [int(side) for side in detail.get("shape_signature", ())]
        if any(side < 0 for side in signature[1:]):
            raise ModelError(
                f"the model's input has no fixed height and width, its shape is {tuple(signature)}: convert "
                "it again with the size of its images"
            )


def _check_input(spec: TensorSpec) -> None:
    if len(spec.shape) != 4 or spec.shape[0] != 1 or spec.shape[3] not in (1, 3):
        raise ModelError(f"expected one image (1, height, width, 3 or 1) as input, got {spec.shape}")


def _check_dtype(role: str, spec: TensorSpec) -> None:
    if spec.dtype not in (np.dtype(np.float32), np.dtype(np.uint8), np.dtype(np.int8)):
        raise ModelError(f"expected a float32, uint8 or int8 {role}, got {spec.dtype}")
    if spec.dtype != np.float32 and not spec.quantized:
        raise ModelError(f"the {role} is {spec.dtype} without a scale: not a quantized model")
