"""Engines: who executes the `.tflite`. One adapter over LiteRT and tflite-runtime, one over OpenVINO."""

import ctypes
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core.errors import MissingLibraryError, ModelError, UsageError
from edge_runtime.inference.engine_registry import MODULES, choose_engine, default_threads, installed_engines

EXACT_OPENVINO: Mapping[str, str] = MappingProxyType({"LP_TRANSFORMS_MODE": "NO"})
"""Compiles an int8 model to float kernels."""

PROBE_BOXES = 6
MAX_PROBE_DIFFERENCE = 0.1
"""Of what the outputs span: kernels that round otherwise stay below half of it, saturating ones do not."""

_DELEGATE_FUNCTIONS = ("tflite_plugin_create_delegate", "tflite_plugin_destroy_delegate")


@dataclass(frozen=True)
class TensorSpec:
    """A model's input or output.

    Attributes:
        shape: with the batch, (1, height, width, 3) or (1, classes).
        dtype: float32, uint8 or int8.
        scale: real = scale * (quantized - zero_point); 0 where the tensor is not quantized.
        zero_point: the quantized value that stands for 0.0.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int

    @property
    def quantized(self) -> bool:
        """Whether the tensor holds integers that stand for real numbers."""
        return self.scale > 0

    def zeros(self) -> NDArray[Any]:
        """A tensor of this shape and dtype, all 0."""
        return np.zeros(self.shape, self.dtype)

    def real(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """The real numbers that a tensor's values stand for."""
        if not self.quantized:
            return values.astype(np.float32)
        return (values.astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)


class Engine(Protocol):
    """A loaded model that turns one input tensor into one output tensor. Not for several threads at once."""

    name: str
    num_threads: int
    input: TensorSpec
    output: TensorSpec

    def invoke(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Run the model.

        Args:
            tensor: of the input's dtype and shape.

        Returns:
            A copy of the output tensor.
        """
        ...


@dataclass(frozen=True)
class Delegate:
    """A library that takes operators over from the interpreter, such as `libedgetpu.so.1`.

    Attributes:
        library: its file.
        options: for the library, by name.
    """

    library: str
    options: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `LIBRARY[,NAME=VALUE…]`.

        Raises:
            UsageError: an option without a value.
        """
        library, *pairs = text.split(",")
        if not library or not all("=" in pair for pair in pairs):
            raise UsageError(f"--delegate takes LIBRARY[,NAME=VALUE…] such as libedgetpu.so.1; got {text!r}")
        return cls(library, MappingProxyType(dict(pair.split("=", 1) for pair in pairs)))


def open_engine(
    content: bytes,
    *,
    name: str,
    engine: str | None = None,
    num_threads: int | None = None,
    delegate: Delegate | None = None,
) -> Engine:
    """Load a model.

    Args:
        content: the bytes of a `.tflite`.
        name: what messages call it.
        engine: `litert`, `tflite-runtime` or `openvino`; the first that is installed when None.
        num_threads: 1 or more; all cores, at most 4, when None.
        delegate: a library that takes operators over; not for OpenVINO.

    Raises:
        ModelError: the engine refuses the model, or it is not one picture in, one score vector out.
        UsageError: no engine of that name, a wrong number of threads, or a delegate that cannot be loaded.
        MissingLibraryError: the engine is not installed.
    """
    threads = num_threads if num_threads is not None else default_threads()
    if threads < 1:
        raise UsageError(f"--num-threads must be 1 or more, got {threads}")
    chosen = choose_engine(engine)
    try:
        if chosen == "openvino":
            if delegate:
                raise UsageError("--delegate is for litert and tflite-runtime, OpenVINO has none")
            return OpenVinoEngine(content, threads)
        return InterpreterEngine(content, chosen, threads, delegate)
    except ImportError as error:
        raise MissingLibraryError(f"the engine {chosen} cannot be imported: {error}") from error
    except (ValueError, RuntimeError) as error:
        if isinstance(error, ModelError):
            raise ModelError(f"{name}: {error}") from error
        if isinstance(error, UsageError):
            raise
        reason = " ".join(str(error).split())
        raise ModelError(f"{name}: {chosen} cannot load this model: {reason:.300}") from error


class InterpreterEngine:
    """LiteRT's or tflite-runtime's interpreter: both have the same interface."""

    def __init__(self, content: bytes, name: str, num_threads: int, delegate: Delegate | None = None) -> None:
        module = importlib.import_module(MODULES[name])
        self.name = name
        self.num_threads = num_threads
        self._interpreter = module.Interpreter(
            model_content=content,
            num_threads=num_threads,
            experimental_delegates=[_load(module, delegate)] if delegate else None,
        )
        self._interpreter.allocate_tensors()
        self._input_index, self.input = _only("input", self._interpreter.get_input_details())
        self._output_index, self.output = _only("output", self._interpreter.get_output_details())
        _check_shapes(self.input, self.output)

    def invoke(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Run the model; see `Engine.invoke`."""
        self._interpreter.set_tensor(self._input_index, tensor)
        self._interpreter.invoke()
        output: NDArray[Any] = self._interpreter.get_tensor(self._output_index)
        return output


class OpenVinoEngine:
    """OpenVINO reads the `.tflite` itself; it is the fastest on x86-64 with 8-bit dot products (VNNI).

    It does not tell the scale of the tensors: an interpreter that is installed beside it does.

    Without VNNI its int8 kernels multiply uint8 by int8 with an instruction that saturates at 16 bits, and
    int8 models answer wrongly. So a few images are computed by both; where the answers differ, OpenVINO's
    low-precision transformations are switched off: the same file is then computed in float.

    Attributes:
        options: what the model was compiled with, beside threads and latency.
    """

    def __init__(self, content: bytes, num_threads: int) -> None:
        reference = InterpreterEngine(content, choose_engine(_describer()), 1)
        self.input, self.output = reference.input, reference.output
        self.name = "openvino"
        self.num_threads = num_threads
        self.options: Mapping[str, str] = MappingProxyType({})
        self._request = compile_openvino(content, num_threads)
        if not self._agrees_with(reference):
            self.options = EXACT_OPENVINO
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
        # Logits have no fixed range: differences count in units of what the outputs span.
        span = max(float(np.ptp(expected)), 1e-6)
        return float(np.abs(found - expected).max()) <= MAX_PROBE_DIFFERENCE * span


def compile_openvino(content: bytes, num_threads: int, **options: object) -> Any:
    """What runs a `.tflite` in OpenVINO: an `openvino.InferRequest`.

    Args:
        content: the bytes of the file.
        num_threads: 1 or more.
        options: more of OpenVINO's own, by name.
    """
    import tempfile

    core = importlib.import_module(MODULES["openvino"]).Core()
    # It reads files by the ending of their names, and no bytes.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(content)
        given = {"INFERENCE_NUM_THREADS": num_threads, "PERFORMANCE_HINT": "LATENCY", **options}
        return core.compile_model(core.read_model(path), "CPU", given).create_infer_request()


def _probe_tensors(spec: TensorSpec) -> list[NDArray[Any]]:
    """Images of large bright areas, where sums of products are largest: white, a chessboard, boxes."""
    random = np.random.default_rng(0)
    _batch, height, width, _channels = spec.shape
    white = np.full(spec.shape, 255, np.uint8)
    board = np.indices((height, width)).sum(axis=0) // 4 % 2 * 255
    tensors = [white, np.repeat(board.astype(np.uint8)[np.newaxis, ..., np.newaxis], 3, axis=3)]
    for _ in range(PROBE_BOXES):
        image = np.zeros(spec.shape, np.uint8)
        for _ in range(PROBE_BOXES):
            top, left = random.integers(0, height), random.integers(0, width)
            image[:, top : top + height // 2, left : left + width // 2] = random.integers(0, 256, 3)
        tensors.append(image)
    if spec.dtype == np.uint8:
        return tensors
    if spec.dtype == np.int8:
        return [(tensor.astype(np.int16) - 128).astype(np.int8) for tensor in tensors]
    return [tensor.astype(np.float32) for tensor in tensors]


def _describer() -> str:
    return next((name for name in installed_engines() if name != "openvino"), "litert")


def _load(module: Any, delegate: Delegate) -> Any:
    try:
        # Where this fails, the interpreter's own attempt would leave half an object that complains.
        library = ctypes.CDLL(delegate.library)
        for function in _DELEGATE_FUNCTIONS:
            if not hasattr(library, function):
                raise ValueError(f"it is no delegate, {function} is missing")
        return module.load_delegate(delegate.library, dict(delegate.options))
    except (OSError, ValueError) as error:
        raise UsageError(f"--delegate {delegate.library}: cannot be loaded: {error!s:.200}") from error


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


def _check_shapes(input_spec: TensorSpec, output_spec: TensorSpec) -> None:
    known = (np.dtype(np.float32), np.dtype(np.uint8), np.dtype(np.int8))
    if len(input_spec.shape) != 4 or input_spec.shape[0] != 1 or input_spec.shape[3] != 3:
        raise ModelError(f"expected one RGB picture (1, height, width, 3) as input, got {input_spec.shape}")
    if int(np.prod(output_spec.shape)) != output_spec.shape[-1]:
        raise ModelError(f"expected one score vector (1, classes) as output, got {output_spec.shape}")
    for role, spec in (("input", input_spec), ("output", output_spec)):
        if spec.dtype not in known:
            raise ModelError(f"expected a float32, uint8 or int8 {role}, got {spec.dtype}")
        if spec.dtype != np.float32 and not spec.quantized:
            raise ModelError(f"the {role} is {spec.dtype} without a scale: not a quantized model")
