"""A report in one sentence and four numbers: how much smaller and faster, what that costs, is it real."""

from dataclasses import dataclass

from benchmarks.report import Report, TargetReport
from benchmarks.targets import Kind
from edge_runtime.core import SIGNIFICANCE_LEVEL


@dataclass(frozen=True)
class Headline:
    """The result for people who read nothing else.

    Attributes:
        sentence: one sentence.
        numbers: four of them, each as its text and what it is.
    """

    sentence: str
    numbers: tuple[tuple[str, str], ...] = ()


def make_headline(report: Report) -> Headline:
    """The first model file beside the Keras model."""
    keras = report.targets[0]
    model = next((each for each in report.targets if each.kind is Kind.MODEL_FILE), None)
    if keras.kind is not Kind.KERAS or model is None:
        return Headline(f"{len(report.targets)} targets on {report.images} images.")
    smaller = keras.cost.size_bytes / model.cost.size_bytes
    drop = 100 * (keras.accuracy.top1.value - model.accuracy.top1.value)
    real = model.accuracy.p_value < SIGNIFICANCE_LEVEL
    speed, speed_number = _speed(report, keras, model)
    if drop:
        chance = "more" if real else "no more"
        accuracy = f"its accuracy is {abs(drop):.2g} percentage points {'lower' if drop > 0 else 'higher'}"
        accuracy += f", which is {chance} than chance (p = {model.accuracy.p_value:.2g})"
    else:
        accuracy = "its accuracy is the same"
    return Headline(
        f"{model.name} is {_times(smaller)} smaller than the Keras model and {speed}; {accuracy}, on "
        f"{report.images} images.",
        (
            (f"{smaller:.3g}×", "smaller"),
            speed_number,
            (f"{-drop:+.2f}" if drop else "±0", "percentage points of accuracy"),
            (_kind(drop, real=real), f"difference of accuracy, p = {model.accuracy.p_value:.2g}"),
        ),
    )


def _speed(report: Report, keras: TargetReport, model: TargetReport) -> tuple[str, tuple[str, str]]:
    if report.machine.emulated:
        return "runs on an emulated processor, whose times say nothing", ("–", "time: emulated")
    each_ms = (f"{model.latency.p50:.3g} ms", "an image, median")
    if model.ratio_to_first is None:
        there = f"where the Keras model took {keras.latency.p50:.3g} ms" if keras.machine else ""
        machine = f" on {keras.machine.name}" if keras.machine else ""
        return f"answers in {model.latency.p50:.3g} ms here, {there}{machine}", each_ms
    ratio = 1 / model.ratio_to_first.value
    if ratio >= 1:
        return f"{_times(ratio)} faster", (f"{ratio:.3g}×", "faster")
    return f"{_times(1 / ratio)} slower", (f"{1 / ratio:.3g}×", "slower")


def _kind(drop: float, *, real: bool) -> str:
    return ("real" if real else "chance") if drop else "no"


def _times(factor: float) -> str:
    return f"{factor:.3g} times"
