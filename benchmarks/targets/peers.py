"""Model files in other programs as targets, each used as its own documentation shows."""

import importlib.metadata
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from benchmarks.targets.model_file import ModelFileTarget
from benchmarks.targets.spec import Steps, Target, TargetBase
from edge_runtime.core import Image, MissingLibraryError, ModelError, Scores, clock
from edge_runtime.images import opencv

THREADS = min(4, os.cpu_count() or 1)


class PeerTarget(TargetBase):
    """What the peers have in common: one function from an image to its scores."""

    def __init__(self, path: Path, *, package: str, num_threads: int | None) -> None:
        self.engine = f"{package} {importlib.metadata.version(package)}"
        self.num_threads = num_threads
        self.size_bytes = path.stat().st_size
        self.at_least = 0

    def scores(self, image: Image) -> Scores:
        """See `Target.scores`."""
        raise NotImplementedError

    def steps(self, image: Image) -> Steps:
        """See `Target.steps`; the steps of a peer cannot be timed separately."""
        started = clock.now()
        self.scores(image)
        return Steps(0.0, clock.milliseconds(started, clock.now()), 0.0)


class BareTarget(PeerTarget):
    """The ten lines that a tutorial has: `cv2.resize`, `set_tensor`, `invoke`, `get_tensor`."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        super().__init__(path, package="ai-edge-litert", num_threads=THREADS)
        self._interpreter = Interpreter(str(path), num_threads=THREADS)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def scores(self, image: Image) -> Scores:
        """See `Target.scores`."""
        _batch, height, width, _channels = self._input["shape"]
        pixels = opencv().resize(image, (int(width), int(height)))
        self._interpreter.set_tensor(self._input["index"], pixels[np.newaxis])
        self._interpreter.invoke()
        found: Scores = self._interpreter.get_tensor(self._output)[0]
        found.argmax()
        return found


class MediaPipeTarget(PeerTarget):
    """MediaPipe Tasks' `ImageClassifier` in image mode."""

    def __init__(self, path: Path) -> None:
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision

        super().__init__(path, package="mediapipe", num_threads=None)
        options = vision.ImageClassifierOptions(
            base_options=BaseOptions(model_asset_path=str(path)), max_results=-1
        )
        self._mediapipe: Any = mediapipe
        self._classifier = vision.ImageClassifier.create_from_options(options)

    def scores(self, image: Image) -> Scores:
        """See `Target.scores`; MediaPipe itself resizes the image."""
        image = self._mediapipe.Image(
            image_format=self._mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image)
        )
        categories = self._classifier.classify(image).classifications[0].categories
        found = np.zeros(len(categories), np.float32)
        for category in categories:
            found[category.index] = category.score
        return found


class OpenVinoTarget(PeerTarget):
    """OpenVINO, which reads the `.tflite` itself."""

    def __init__(self, path: Path) -> None:
        import openvino

        super().__init__(path, package="openvino", num_threads=THREADS)
        self._model = openvino.Core().compile_model(
            str(path), "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": THREADS}
        )
        self._size = tuple(self._model.input(0).shape)[1:3]

    def scores(self, image: Image) -> Scores:
        """See `Target.scores`."""
        pixels = opencv().resize(image, (self._size[1], self._size[0]))
        found: Scores = self._model(pixels[np.newaxis])[0][0]
        found.argmax()
        return found


class OnnxRuntimeTarget(PeerTarget):
    """ONNX Runtime, with the same file converted by tf2onnx: `MODEL.onnx` beside it."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        converted = path.with_suffix(".onnx")
        if not converted.is_file():
            raise ModelError(f"{converted}: missing; `make bench-peers` makes it with tf2onnx")
        super().__init__(converted, package="onnxruntime", num_threads=THREADS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        self._session = onnxruntime.InferenceSession(
            str(converted), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0]

    def scores(self, image: Image) -> Scores:
        """See `Target.scores`."""
        _batch, height, width, _channels = self._input.shape
        pixels = opencv().resize(image, (width, height))
        found: Scores = self._session.run(None, {self._input.name: pixels[np.newaxis]})[0][0]
        found.argmax()
        return found


def _ours(path: Path) -> Target:
    return ModelFileTarget(path, engine=None, num_threads=THREADS)


PEERS: Mapping[str, Callable[[Path], Target]] = MappingProxyType(
    {
        "edge-classify": _ours,
        "bare interpreter": BareTarget,
        "MediaPipe Tasks": MediaPipeTarget,
        "OpenVINO": OpenVinoTarget,
        "ONNX Runtime": OnnxRuntimeTarget,
    }
)
"""Name → the function that loads a model file."""


def load_peer(name: str, path: Path) -> Target:
    """Load a model file in one of `PEERS`.

    Raises:
        ModelError: the peer cannot read it.
        MissingLibraryError: the peer is not installed.
    """
    try:
        return PEERS[name](path)
    except ImportError as error:
        raise MissingLibraryError(
            f"{name} is not installed for {sys.executable} ({error}): install it there, or name another "
            "Python with --reader-python"
        ) from error
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"{path}: {name} cannot read it ({error!s:.200})") from error
