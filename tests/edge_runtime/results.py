"""Results to hand to sinks."""

from edge_runtime import Frame, Prediction, Result, Timing
from edge_runtime.core import UNKNOWN
from tests.conftest import paint


def result(answer: str = "cat", *, index: int = 0, at: float = 0.0, score: float = 0.9) -> Result:
    """A result with this answer; unknown because no score reaches the threshold."""
    predictions = () if answer == UNKNOWN else (Prediction(answer, 0, score),)
    frame = Frame(paint((10, 200, 30), 48, 64), index, at, 1700000000.25 + at, "camera:0")
    return Result(frame, predictions, Timing(0.2, 5.0, 0.1), answer, 12.5)
