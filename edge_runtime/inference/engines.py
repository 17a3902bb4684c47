"""Engines execute a `.tflite`: their common interface, and the function that opens one."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import EdgeError, MissingLibraryError, ModelError, UsageError, one_line
from edge_runtime.inference.delegate import Delegate
from edge_runtime.inference.engine_registry import choose_engine
from edge_runtime.inference.interpreter import InterpreterEngine
from edge_runtime.inference.openvino import OpenVinoEngine
from edge_runtime.inference.tensors import TensorSpec
from edge_runtime.system import default_threads


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


def open_engine(
    content: bytes,
    *,
    name: str,
    engine: str | None = None,
    num_threads: int | None = None,
    delegate: Delegate | None = None,
) -> Engine:
    """Load a model into an engine.

    Args:
        content: the bytes of a `.tflite`.
        name: how messages call it.
        engine: `litert`, `tflite-runtime` or `openvino`; the first that is installed when None.
        num_threads: 1 or more; all cores, at most 4, when None.
        delegate: a library that runs operators in place of the interpreter; not for OpenVINO.

    Raises:
        ModelError: the engine refuses the model, or it is not one image in, one score vector out.
        UsageError: no engine of that name, a wrong number of threads, or a delegate that cannot be loaded.
        MissingLibraryError: the engine is not installed.
    """
    threads = num_threads if num_threads is not None else default_threads()
    if threads < 1:
        raise UsageError(f"--num-threads must be 1 or more, got {threads}")
    chosen = choose_engine(engine)
    if delegate and chosen == "openvino":
        raise UsageError("--delegate is for litert and tflite-runtime, OpenVINO has none")
    try:
        return _check_output(_open(content, chosen, threads, delegate))
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from error
    except EdgeError:
        raise
    except ImportError as error:
        raise MissingLibraryError(f"the engine {chosen} cannot be imported: {error}") from error
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{name}: {chosen} cannot load this model: {one_line(error):.300}") from error


def _open(content: bytes, engine: str, threads: int, delegate: Delegate | None) -> Engine:
    if engine == "openvino":
        return OpenVinoEngine(content, threads)
    return InterpreterEngine(content, engine, threads, delegate)


def _check_output(engine: Engine) -> Engine:
    shape = engine.output.shape
    if int(np.prod(shape)) != shape[-1]:
        raise ModelError(f"expected one score vector (1, classes) as output, got {shape}")
    return engine
