"""Classify images with a loaded engine: preprocess, run the model, take the best scores."""

import heapq
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import (
    UNKNOWN,
    Frame,
    Image,
    Prediction,
    Resize,
    Result,
    Scores,
    Size,
    Timing,
    UsageError,
    clock,
)
from edge_runtime.inference.engines import Engine
from edge_runtime.inference.input_encoding import Preprocessing
from edge_runtime.inference.output_kind import OutputKind
from edge_runtime.inference.tensors import TensorSpec


class Classifier:
    """A loaded model with its labels; `load_classifier` makes one from a file.

    It starts no process and reads no file. Not for several threads at once.

    Args:
        engine: the loaded model.
        labels: one per score.
        preprocessing: how an image becomes the input tensor.
        output: what the outputs are.
        unknown: the label of images of no class; one of `labels` where the model itself rejects images.
    """

    def __init__(
        self,
        engine: Engine,
        labels: tuple[str, ...],
        preprocessing: Preprocessing,
        output: OutputKind = OutputKind.SCORES,
        unknown: str = UNKNOWN,
    ) -> None:
        self.engine = engine
        self.labels = labels
        self.unknown = unknown
        self._preprocessing = preprocessing
        self._is_logits = output is OutputKind.LOGITS
        # One sigmoid output tells two classes apart: it is the score of the second.
        self._complements = len(labels) == 2 and engine.output.shape[-1] == 1
        plain = not self._is_logits and not self._complements
        self._score_table = _score_table(engine.output) if plain else None

    @property
    def size(self) -> Size:
        """(height, width) of the model's input, in pixels."""
        return self._preprocessing.size

    @property
    def resize(self) -> Resize:
        """How images are resized to that size."""
        return self._preprocessing.resize

    @property
    def at_least(self) -> int:
        """Pixels that each side of an image must keep, for `read_image` and `decode_image`."""
        return self._preprocessing.at_least

    def classify(self, image: Image, top_k: int = 5) -> list[Prediction]:
        """Classify an image.

        Args:
            image: uint8 RGB, shape (height, width, 3), any size.
            top_k: how many predictions, best first.

        Raises:
            ImageError: the image has no pixels or is not uint8 RGB.
            UsageError: `top_k` is less than 1.
        """
        return self._best(self.engine.invoke(self._preprocessing.to_tensor(image)), top_k)

    def encode(self, pixels: Image) -> NDArray[Any]:
        """The input tensor of an image at the model's size."""
        return self._preprocessing.encode(pixels)

    def scores(self, image: Image) -> Scores:
        """The score of every class, float32 in [0, 1], shape (classes,), in the order of the labels."""
        return self._to_scores(self.engine.invoke(self._preprocessing.to_tensor(image)))

    def observe(self, frame: Frame, top_k: int = 5) -> Result:
        """Classify a frame and time each step."""
        started = clock.now()
        pixels = self._preprocessing.fit(frame.image)
        tensor = self._preprocessing.encode(pixels)
        resized = clock.now()
        output = self.engine.invoke(tensor)
        invoked = clock.now()
        predictions = tuple(self._best(output, top_k))
        timing = Timing(
            resize=clock.milliseconds(started, resized),
            invoke=clock.milliseconds(resized, invoked),
            postprocess=clock.milliseconds(invoked, clock.now()),
        )
        age = clock.milliseconds(frame.captured_at, started)
        return Result(frame, predictions, timing, predictions[0].label, age, self.unknown, pixels)

    def observe_all(self, frames: Iterator[Frame | None], top_k: int = 5) -> Iterator[Result | None]:
        """The stage of the pipeline: classify one frame after the other; None passes through."""
        return (None if frame is None else self.observe(frame, top_k) for frame in frames)

    def _to_scores(self, output: NDArray[Any]) -> Scores:
        if self._score_table is not None:
            return np.array([self._score_table[code] for code in _codes(output)], np.float32)
        real = self.engine.output.real(output).reshape(-1)
        if self._is_logits:
            # The softmax of (0, logit) is the sigmoid of a single logit.
            real = _softmax(real) if len(real) > 1 else _softmax(np.array([0.0, real[0]], np.float32))[1:]
        scores = np.clip(real, 0.0, 1.0)
        return np.concatenate([1 - scores, scores]) if self._complements else scores

    def _best(self, output: NDArray[Any], top_k: int) -> list[Prediction]:
        if top_k < 1:
            raise UsageError(f"top-k must be 1 or more, got {top_k}")
        # In plain Python: after a model has run the caches are cold, and numpy's code is far larger.
        if self._score_table is not None:
            scores = [self._score_table[code] for code in _codes(output)]
        else:
            scores = self._to_scores(output).tolist()
        order = heapq.nlargest(top_k, range(len(scores)), key=scores.__getitem__)
        return [Prediction(self.labels[index], index, scores[index]) for index in order]


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(), np.float32)


def _score_table(spec: TensorSpec) -> list[float] | None:
    """The score for each of the 256 values of a quantized output; None for a float32 output."""
    if not spec.quantized:
        return None
    codes = np.arange(256, dtype=np.uint8).view(spec.dtype)
    scores: list[float] = np.clip(spec.real(codes), 0.0, 1.0).tolist()
    return scores


def _codes(output: NDArray[Any]) -> list[int]:
    """A quantized output as bytes."""
    codes: list[int] = output.reshape(-1).view(np.uint8).tolist()
    return codes
