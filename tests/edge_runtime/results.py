"""Results to hand to sinks."""

from edge_runtime import Frame, Prediction, Result, Timing
from tests.conftest import paint


def result(answer: str | None = "cat", *, index: int = 0, at: float = 0.0, score: float = 0.9) -> Result:
    predictions = (Prediction(answer, 0, score),) if answer else ()
    frame = Frame(paint((10, 200, 30), 48, 64), index, at, 1700000000.25 + at, "camera:0")
    return Result(frame, predictions, Timing(0.2, 5.0, 0.1), answer, 12.5)
