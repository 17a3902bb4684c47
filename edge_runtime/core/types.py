"""The value types of the device: image, frame, prediction, timing, result."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    # Not needed at runtime: edge-doctor has to start where numpy cannot be imported.
    import numpy as np
    from numpy.typing import NDArray

Image: TypeAlias = "NDArray[np.uint8]"
"""uint8 RGB, shape (height, width, 3)."""

Scores: TypeAlias = "NDArray[np.float32]"
"""float32 in [0, 1], shape (classes,)."""

Size: TypeAlias = tuple[int, int]
"""(height, width) in pixels."""

DecodeHint: TypeAlias = Callable[[], int]
"""Returns how many pixels of each side the model that is loaded now needs; 0 for the full size."""

UNKNOWN = "unknown"
"""The answer for an image of no class, unless the model file gives it another name."""


def full_size() -> int:
    """A decode hint for images at their full size."""
    return 0


class Resize(StrEnum):
    """How an image is resized to the model's input size.

    squash changes the aspect ratio; fit-shortest crops; fit-longest pads with black; mediapipe changes the
    aspect ratio with MediaPipe Tasks' own interpolation, for files that MediaPipe reads too.
    """

    SQUASH = "squash"
    FIT_SHORTEST = "fit-shortest"
    FIT_LONGEST = "fit-longest"
    MEDIAPIPE = "mediapipe"


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image from a source.

    Attributes:
        image: uint8 RGB, shape (height, width, 3).
        index: 0 for the source's first frame.
        captured_at: monotonic seconds.
        wall_time: seconds since 1970, a label only.
        source: where the image came from: a file's name, `camera:0`.
    """

    image: Image
    index: int
    captured_at: float
    wall_time: float
    source: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """One class with its score in [0, 1]."""

    label: str
    index: int
    score: float


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations of the steps of one classification, in milliseconds."""

    resize: float
    invoke: float
    postprocess: float

    @property
    def total(self) -> float:
        """Sum of all steps, in milliseconds."""
        return self.resize + self.invoke + self.postprocess


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """The classification of one frame.

    Attributes:
        frame: the frame.
        predictions: best first; those below the threshold are left out.
        timing: of the classification.
        answer: the label decided on, by this frame alone or by a vote over time; `unknown` for an image of
            no class.
        age: milliseconds from the capture to the start of the classification.
        unknown: the name of the answer for an image of no class.
        pixels: the image at the model's size, uint8 RGB, shape (height, width, 3); None where it is not kept.
    """

    frame: Frame
    predictions: tuple[Prediction, ...]
    timing: Timing
    answer: str
    age: float
    unknown: str = UNKNOWN
    pixels: "Image | None" = None

    @property
    def is_unknown(self) -> bool:
        """Whether the image is of no class, or no score reaches the threshold."""
        return self.answer == self.unknown
