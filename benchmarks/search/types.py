"""The result of a search: frozen values that are written as JSON."""

from dataclasses import dataclass
from typing import Any, ClassVar

from benchmarks.measurement import Interval
from benchmarks.search.candidates import Candidate
from edge_runtime.core import CLOSED, to_json

SCHEMA = 1


@dataclass(frozen=True)
class Budget:
    """What the model may cost; None for no limit.

    Attributes:
        max_ms: largest latency in milliseconds.
        max_mb: largest file in megabytes.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CLOSED

    max_ms: float | None
    max_mb: float | None

    def allows(self, ms: float, mb: float) -> bool:
        """Whether a model is within the budget."""
        return (self.max_ms is None or ms <= self.max_ms) and (self.max_mb is None or mb <= self.max_mb)

    @property
    def text(self) -> str:
        """As messages call it; empty for no limit."""
        limits = [f"{self.max_ms:g} ms"] if self.max_ms is not None else []
        limits += [f"{self.max_mb:g} MB"] if self.max_mb is not None else []
        return " and ".join(limits)


@dataclass(frozen=True)
class Estimate:
    """What a candidate costs before it is trained.

    Attributes:
        candidate: the network.
        multiply_adds: of one image.
        ms: latency in milliseconds.
        mb: size of the model file in megabytes.
        measured: whether the latency is measured, not predicted.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CLOSED

    candidate: Candidate
    multiply_adds: int
    ms: float
    mb: float
    measured: bool


@dataclass(frozen=True)
class Screened:
    """A linear head on a candidate's cached features, judged by cross-validation.

    Attributes:
        candidate: the network.
        images: that the head was judged on.
        accuracy: out of fold.
        loss: mean cross-entropy out of fold.
        seconds: that it took.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CLOSED

    candidate: Candidate
    images: int
    accuracy: float
    loss: float
    seconds: float


@dataclass(frozen=True)
class Trained:
    """A candidate that was trained and converted to int8.

    Attributes:
        candidate: the network.
        keras_accuracy: of the Keras model, on the same images as `accuracy`.
        accuracy: of the int8 model on held-out images, with its 95 % interval; where none were held out, that
            of the Keras model in cross-validation.
        test_accuracy: of the int8 model on the test images; None where there are none. Nothing is chosen by
            it.
        mb: size of the model file in megabytes.
        passed: whether int8 passed the gate of `edge-convert`.
        seconds: that training and conversion took.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CLOSED

    candidate: Candidate
    keras_accuracy: float
    accuracy: Interval
    test_accuracy: float | None
    mb: float
    passed: bool
    seconds: float


@dataclass(frozen=True)
class Tuned:
    """A trained candidate beside the others.

    Attributes:
        trained: what it reached.
        ms: its latency in milliseconds.
        fits: whether it is within the budget.
        on_front: whether no other one is as accurate and faster, or more accurate and not slower.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CLOSED

    trained: Trained
    ms: float
    fits: bool
    on_front: bool

    @property
    def name(self) -> str:
        """The candidate's."""
        return self.trained.candidate.name


@dataclass(frozen=True)
class State:
    """What an interrupted search has done: `state.json`.

    Attributes:
        fingerprint: of the images and their split.
        screened: the candidates that were screened.
        trained: those that were trained and converted.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CLOSED

    fingerprint: str
    screened: tuple[Screened, ...] = ()
    trained: tuple[Trained, ...] = ()


@dataclass(frozen=True)
class Search:
    """A search: `search.json`.

    Attributes:
        schema: version of this layout.
        data: the data set.
        fingerprint: of its images and their split.
        created: ISO 8601 in UTC.
        machine: whose latencies they are.
        budget: what the model may cost.
        images: that the accuracies were measured on.
        cross_validated: whether those were trained on, so that the accuracies are of a cross-validation.
        estimates: of all candidates.
        screened: the candidates within the budget.
        tuned: those that were trained, the fastest first.
        chosen: the name of the one that was picked; empty where none is within the budget.
        reason: why.
        seconds: of each stage.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CLOSED

    schema: int
    data: str
    fingerprint: str
    created: str
    machine: str
    budget: Budget
    images: int
    cross_validated: bool
    estimates: tuple[Estimate, ...]
    screened: tuple[Screened, ...]
    tuned: tuple[Tuned, ...]
    chosen: str
    reason: str
    seconds: dict[str, float]

    def to_json(self) -> str:
        """The search as JSON."""
        return to_json(self, indent=1) + "\n"

    @property
    def winner(self) -> Tuned | None:
        """The one that was picked."""
        return next((each for each in self.tuned if each.name == self.chosen), None)
