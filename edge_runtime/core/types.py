"""The values that flow through the device: frame → prediction → result."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""uint8 RGB, shape (height, width, 3)."""

Scores: TypeAlias = NDArray[np.float32]
"""float32 in [0, 1], shape (classes,)."""

Size: TypeAlias = tuple[int, int]
"""(height, width) in pixels."""


class Resize(StrEnum):
    """How a picture is brought to the model's input size.

    squash changes the aspect ratio; fit-shortest crops; fit-longest pads with black; mediapipe changes the
    aspect ratio with MediaPipe Tasks' own interpolation, for files that MediaPipe reads too.
    """

    SQUASH = "squash"
    FIT_SHORTEST = "fit-shortest"
    FIT_LONGEST = "fit-longest"
    MEDIAPIPE = "mediapipe"


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture on its way through the device.

    Attributes:
        image: uint8 RGB, shape (height, width, 3).
        index: 0 for the source's first frame.
        captured_at: monotonic seconds.
        wall_time: seconds since 1970, a label only.
        source: what the picture came from: a file's name, `camera:0`.
    """

    image: Image
    index: int
    captured_at: float
    wall_time: float
    source: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """One class and how sure the model is of it, `score` in [0, 1]."""

    label: str
    index: int
    score: float


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the steps of one classification took, in milliseconds."""

    resize: float
    invoke: float
    postprocess: float

    @property
    def total(self) -> float:
        """All steps together, in milliseconds."""
        return self.resize + self.invoke + self.postprocess


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What the model says of one frame.

    Attributes:
        frame: the picture.
        predictions: best first; those below the threshold are left out.
        timing: of the classification.
        answer: the label decided on, by this frame alone or by a vote over time; None for unknown.
        age: milliseconds from the capture to the start of the classification.
    """

    frame: Frame
    predictions: tuple[Prediction, ...]
    timing: Timing
    answer: str | None
    age: float
