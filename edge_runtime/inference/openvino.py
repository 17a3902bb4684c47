"""The engine for OpenVINO, checked against an interpreter when a model is loaded."""

import importlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.inference.engine_registry import MODULES, choose_engine, installed_engines
from edge_runtime.inference.interpreter import InterpreterEngine
from edge_runtime.inference.tensors import TensorSpec

FLOAT_KERNELS: Mapping[str, str] = MappingProxyType({"LP_TRANSFORMS_MODE": "NO"})
"""Compiles an int8 model to float kernels."""

PROBE_BOXES = 6
MAX_PROBE_DIFFERENCE = 0.1
"""As a fraction of the range of the outputs: other rounding stays below half of it, saturation does not."""


class OpenVinoEngine:
    """A model in OpenVINO, which reads the `.tflite` itself and tells how long each operator takes.

    OpenVINO does not report the scale of the tensors: an interpreter that is installed beside it does.

    Without VNNI its int8 kernels multiply uint8 by int8 with an instruction that saturates at 16 bits, and
    int8 models give wrong scores. So a few images are computed by both; where the scores differ, OpenVINO's
    low-precision transformations are switched off: the same file is then computed in float.

    Args:
        content: the bytes of a `.tflite`.
        num_threads: 1 or more.

    Attributes:
        options: what the model was compiled with, besides threads and latency.
    """

    def __init__(self, content: bytes, num_threads: int) -> None:
        reference = InterpreterEngine(content, choose_engine(_reference_engine()), 1)
        self.input, self.output = reference.input, reference.output
        self.name = "openvino"
        self.num_threads = num_threads
        self.options: Mapping[str, str] = MappingProxyType({})
        self._request = compile_openvino(content, num_threads)
        if not self._agrees_with(reference):
            self.options = FLOAT_KERNELS
            self._request = compile_openvino(content, num_threads, **self.options)

    def invoke(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Run the model; see `Engine.invoke`."""
        results: NDArray[Any] = self._request.infer([tensor], share_inputs=True)[0]
        return results

    def _agrees_with(self, reference: InterpreterEngine) -> bool:
        """Whether the outputs for some images are nearly those of an interpreter."""
        tensors = _probe_tensors(self.input)
        expected = self.output.real(np.array([reference.invoke(tensor) for tensor in tensors]))
        found = self.output.real(np.array([self.invoke(tensor) for tensor in tensors]))
        # Logits have no fixed range: differences are relative to the range of the outputs.
        span = max(float(np.ptp(expected)), 1e-6)
        return float(np.abs(found - expected).max()) <= MAX_PROBE_DIFFERENCE * span


def compile_openvino(content: bytes, num_threads: int, **options: object) -> Any:
    """Compile a `.tflite` for the CPU.

    Args:
        content: the bytes of the file.
        num_threads: 1 or more.
        options: more of OpenVINO's own, by name.

    Returns:
        An `openvino.InferRequest`.
    """
    core = importlib.import_module(MODULES["openvino"]).Core()
    # OpenVINO tells formats apart by the endings of file names, and takes no bytes.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(content)
        given = {
            "INFERENCE_NUM_THREADS": num_threads,
            "PERFORMANCE_HINT": "LATENCY",
            # On processors with AMX it would compute what is not int8 in bfloat16, with 8 bits of precision.
            "INFERENCE_PRECISION_HINT": "f32",
            **options,
        }
        return core.compile_model(core.read_model(path), "CPU", given).create_infer_request()


def _probe_tensors(spec: TensorSpec) -> list[NDArray[Any]]:
    """Images with large bright areas, where sums of products are largest: white, a chessboard, boxes."""
    random = np.random.default_rng(0)
    _batch, height, width, channels = spec.shape
    white = np.full(spec.shape, 255, np.uint8)
    chessboard = np.indices((height, width)).sum(axis=0) // 4 % 2 * 255
    tensors = [white, np.repeat(chessboard.astype(np.uint8)[np.newaxis, ..., np.newaxis], channels, axis=3)]
    for _ in range(PROBE_BOXES):
        image = np.zeros(spec.shape, np.uint8)
        for _ in range(PROBE_BOXES):
            top, left = random.integers(0, height), random.integers(0, width)
            image[:, top : top + height // 2, left : left + width // 2] = random.integers(0, 256, channels)
        tensors.append(image)
    if spec.dtype == np.uint8:
        return tensors
    if spec.dtype == np.int8:
        return [(tensor.astype(np.int16) - 128).astype(np.int8) for tensor in tensors]
    return [tensor.astype(np.float32) for tensor in tensors]


def _reference_engine() -> str:
    return next((name for name in installed_engines() if name != "openvino"), "litert")
