"""Frame → predictions: the one way from a picture to labels, on the Pi and on the workstation."""

import heapq
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import clock
from edge_runtime.core.errors import ModelError, UsageError
from edge_runtime.core.types import Frame, Image, Prediction, Resize, Result, Scores, Timing
from edge_runtime.images.codec import fit, pixels_needed
from edge_runtime.inference.engine_registry import choose_engine
from edge_runtime.inference.engines import Delegate, TensorSpec, open_engine
from edge_runtime.inference.golden import compare_golden
from edge_runtime.inference.input_encoding import RAW, InputRange, input_range, pixel_table, to_tensor
from edge_runtime.inference.output_kind import OutputKind, output_kind
from edge_runtime.inference.sandbox import prove_model
from edge_runtime.model.model_file import ModelFile, read_model_file


class Classifier:
    """A model file, loaded and ready.

    An engine that is not the default of this machine, and a delegate, must give the golden samples of the
    model's card the answers that they had on the workstation.

    Args:
        model: a path, or what `read_model_file` gave.
        engine: `litert`, `tflite-runtime` or `openvino`; the first that is installed when None.
        num_threads: all cores, at most 4, when None.
        expected: what pixels 0 and 255 become, for foreign models whose file does not tell.
        delegate: a library that takes operators over.
        trusted: skip the trial in a child process, for a model that this very process has made.

    Attributes:
        labels: one per score.
        size: (height, width) of the model's input, in pixels.
        at_least: pixels that each side of an image must keep, for `read_image` and `decode_image`.
        resize: how images are brought to that size.

    Raises:
        ModelError: the file cannot be used, its labels do not match its outputs, or the engine or the
            delegate answers wrongly.
        MissingLibraryError: no engine is installed.
    """

    def __init__(
        self,
        model: ModelFile | Path | str,
        *,
        engine: str | None = None,
        num_threads: int | None = None,
        expected: InputRange | None = None,
        delegate: Delegate | None = None,
        trusted: bool = False,
    ) -> None:
        file = model if isinstance(model, ModelFile) else read_model_file(Path(model))
        if not trusted:
            prove_model(file.content, name=file.name, engine=engine)
        self.model = file
        self.engine = open_engine(
            file.content, name=file.name, engine=engine, num_threads=num_threads, delegate=delegate
        )
        self.labels = file.labels
        self._expected = expected
        self.size = (self.engine.input.shape[1], self.engine.input.shape[2])
        self.resize = file.card.resize if file.card else Resize.SQUASH
        self.at_least = pixels_needed(self.size, self.resize)
        _check_labels(file, self.engine.output)
        _check_size(file, self.size)
        self._table = pixel_table(self.engine.input, expected or _expected(file, self.engine.input))
        self._is_logits = _output_kind(file, self.engine.output) is OutputKind.LOGITS
        # One score of a sigmoid tells two classes apart: it is that of the second.
        self._complements = len(self.labels) == 2 and self.engine.output.shape[-1] == 1
        plain = not self._is_logits and not self._complements
        self._score_table = _score_table(self.engine.output) if plain else None
        if not trusted and (delegate or self.engine.name != choose_engine()):
            self._prove(f"the delegate {delegate.library}" if delegate else f"the engine {self.engine.name}")

    def classify(self, image: Image, top_k: int = 5) -> list[Prediction]:
        """Say what a picture shows.

        Args:
            image: uint8 RGB, shape (height, width, 3), any size.
            top_k: how many predictions, best first.

        Raises:
            ImageError: the picture has no pixels or is not uint8 RGB.
        """
        return self._best(self.engine.invoke(self._to_tensor(image)), top_k)

    def scores(self, image: Image) -> Scores:
        """The score of every class, float32 in [0, 1], shape (classes,), in the order of the labels."""
        return self._to_scores(self.engine.invoke(self._to_tensor(image)))

    def observe(self, frame: Frame, top_k: int = 5) -> Result:
        """Classify a frame and time each step."""
        started = clock.now()
        tensor = self._to_tensor(frame.image)
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
        return Result(frame, predictions, timing, answer=predictions[0].label, age=age)

    def observe_all(self, frames: Iterable[Frame], top_k: int = 5) -> Iterator[Result]:
        """Classify one frame after the other."""
        return (self.observe(frame, top_k) for frame in frames)

    def twin(self) -> Self:
        """Another one of the same model for another thread, whose engine takes one thread."""
        return type(self)(
            self.model,
            engine=self.engine.name,
            num_threads=1,
            expected=self._expected,
            trusted=True,
        )

    def _to_tensor(self, image: Image) -> NDArray[Any]:
        return to_tensor(fit(image, self.size, self.resize), self._table)

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
        # In plain Python: after a model has run the caches are cold, and numpy's machinery is far larger.
        if self._score_table is not None:
            scores = [self._score_table[code] for code in _codes(output)]
        else:
            scores = self._to_scores(output).tolist()
        order = heapq.nlargest(top_k, range(len(scores)), key=scores.__getitem__)
        return [Prediction(self.labels[index], index, scores[index]) for index in order]

    def _prove(self, who: str) -> None:
        """Refuse an engine or a delegate that answers the golden samples wrongly.

        Raises:
            ModelError: with what it answers.
        """
        if self.model.card is None or not self.model.card.golden:
            return
        outcome = compare_golden(self.model.card.golden, self.scores)
        if not outcome.passed:
            raise ModelError(
                f"{self.model.name}: {who} answers wrongly on this machine: {outcome}; use another one"
            )


def _expected(file: ModelFile, spec: TensorSpec) -> InputRange:
    # A model with a card takes raw pixels: its rescaling is inside, or absorbed in the input's quantization.
    if file.card and not spec.quantized:
        return RAW
    return input_range(spec, name=file.name)


def _output_kind(file: ModelFile, spec: TensorSpec) -> OutputKind:
    """Scores, or logits that a softmax is still to make scores of: decided once, for every image alike."""
    if not spec.quantized:
        return output_kind(file.content) or OutputKind.SCORES
    limits = np.iinfo(spec.dtype)
    low, high = spec.real(np.array([limits.min, limits.max]))
    # A quantized output that can hold nothing but scores holds scores.
    is_score = low >= -0.01 and high <= 1.01
    return OutputKind.SCORES if is_score else output_kind(file.content) or OutputKind.LOGITS


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(), np.float32)


def _score_table(spec: TensorSpec) -> list[float] | None:
    """The score for each of the 256 bytes that a quantized output can hold; None for a float32 output."""
    if not spec.quantized:
        return None
    codes = np.arange(256, dtype=np.uint8).view(spec.dtype)
    scores: list[float] = np.clip(spec.real(codes), 0.0, 1.0).tolist()
    return scores


def _codes(output: NDArray[Any]) -> list[int]:
    """A quantized output as bytes."""
    codes: list[int] = output.reshape(-1).view(np.uint8).tolist()
    return codes


def _check_labels(file: ModelFile, output: TensorSpec) -> None:
    outputs = output.shape[-1]
    if not file.labels:
        raise ModelError(file.labels_advice)
    # One output of a sigmoid tells two classes apart.
    if len(file.labels) != outputs and (outputs, len(file.labels)) != (1, 2):
        raise ModelError(
            f"the labels name {len(file.labels)} classes, the model has {outputs} outputs ({file.name}); "
            "name the right label file with --labels"
        )


def _check_size(file: ModelFile, size: tuple[int, int]) -> None:
    if file.card and file.card.image_size != size:
        raise ModelError(
            f"the card says {file.card.image_size} pixels, the model's input has {size} ({file.name})"
        )
