"""The specification of a target, and the interface of a loaded one."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from benchmarks.targets.operator_times import OperatorTime
from edge_runtime.core import CLOSED, Image, Scores


class Kind(StrEnum):
    """What computes.

    `keras`: the run's Keras model as a compiled `tf.function`. `keras-predict`: its `predict_on_batch`.
    `model-file`: a `.tflite` in the device's classifier. `peer`: a `.tflite` in another program. `yardstick`:
    a fixed computation.
    """

    KERAS = "keras"
    KERAS_PREDICT = "keras-predict"
    MODEL_FILE = "model-file"
    PEER = "peer"
    YARDSTICK = "yardstick"


class Reader(StrEnum):
    """Other programs that open a model file and resize images in their own way."""

    MEDIAPIPE = "mediapipe"


@dataclass(frozen=True)
class TargetSpec:
    """One target, as its process loads it.

    Attributes:
        name: in reports.
        kind: what computes.
        path: the run or the model file.
        engine: of a model file, the default one when None; of a peer, its name.
        num_threads: of a model file; all cores, at most 4, when None.
        python: the interpreter of the process that loads it; this one when None.
        classes: of a model file, whose scores are wanted, in this order; its own when empty.
        slowdown: factor of the time of each image, for studies of the gate.
        slow_after: seconds after loading from which on it is that slow.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    name: str
    kind: Kind
    path: str = ""
    engine: str | None = None
    num_threads: int | None = None
    python: str | None = None
    classes: tuple[str, ...] = ()
    slowdown: float = 1.0
    slow_after: float = 0.0


@dataclass(frozen=True)
class Steps:
    """Durations of the steps from a decoded image to its scores, in milliseconds."""

    resize: float
    invoke: float
    postprocess: float


class Target(Protocol):
    """A loaded model.

    Attributes:
        engine: what runs it, with its version.
        num_threads: threads it may use; None where it chooses itself.
        size_bytes: of its file.
        at_least: how many pixels of each side it needs.
    """

    engine: str
    num_threads: int | None
    size_bytes: int
    at_least: int

    def scores(self, image: Image) -> Scores:
        """Scores of an image of any size (uint8 RGB), shape (classes,)."""
        ...

    def steps(self, image: Image) -> Steps:
        """Classify an image and time each step."""
        ...

    def operators(self) -> list[OperatorTime]:
        """The time inside the model by kind of operator; empty where the engine does not report it."""
        ...


class TargetBase:
    """A target whose engine does not report the time of its operators."""

    def operators(self) -> list[OperatorTime]:
        """See `Target.operators`."""
        return []
