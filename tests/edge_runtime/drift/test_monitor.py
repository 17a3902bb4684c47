"""Streams of synthetic images: clean ones raise no alarm, each kind of change is found and named."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np
import pytest

from edge_runtime import Frame, ModelCard, Prediction, Result, Timing
from edge_runtime.core import Image
from edge_runtime.drift import Change, DriftMonitor
from edge_runtime.images import measure_image, opencv
from edge_runtime.model import QUANTILES, Distribution, Reference, Rejection

LABELS = ("cat", "dog", "nothing")
HELD_OUT = 200
SHIFT_AT = 5_000
WITHIN = 500


def draw(random: np.random.Generator) -> Image:
    """Grey shapes on a background, of different brightness."""
    image = np.full((48, 48), random.uniform(60, 150))
    for _ in range(6):
        top, left = random.integers(0, 40, 2)
        image[top : top + 8, left : left + 8] = random.uniform(0, 255)
    return np.repeat(np.clip(image, 0, 255).astype(np.uint8)[..., np.newaxis], 3, axis=2)


@cache
def images() -> Sequence[Image]:
    random = np.random.default_rng(0)
    return [draw(random) for _ in range(400)]


def describe(values: Sequence[float]) -> Distribution:
    return Distribution(
        len(values), float(np.mean(values)), float(np.std(values)), tuple(np.quantile(values, QUANTILES))
    )


@cache
def card(*, rejection: bool = True) -> ModelCard:
    random = np.random.default_rng(1)
    held_out = [measure_image(draw(random)) for _ in range(HELD_OUT)]
    statistics = {
        name: describe([getattr(each, name) for each in held_out])
        for name in ("brightness", "contrast", "sharpness")
    }
    statistics["score"] = describe(list(random.uniform(0.8, 1.0, HELD_OUT)))
    return ModelCard(
        labels=LABELS if rejection else LABELS[:2],
        image_size=(48, 48),
        rejection=Rejection(
            label="nothing", keep=0.95, images=HELD_OUT, kept_low=0.9, kept_high=0.98, temperature=1.0
        )
        if rejection
        else None,
        reference=Reference(statistics, {"cat": 0.55, "dog": 0.4, "nothing": 0.05}),
    )


def answer(image: Image, label: str, score: float = 0.9) -> Result:
    predictions = (Prediction(label, LABELS.index(label), score), Prediction("dog", 1, 1 - score))
    return Result(Frame(image, 0, 0.0, 0.0, "test"), predictions, Timing(1, 1, 1), label, 0.0, pixels=image)


def stream(
    frames: int, seed: int, change: Callable[[Image], Image] | None = None, unknown: float = 0.0
) -> Iterable[Result]:
    """Clean frames; from `SHIFT_AT` on changed ones, or with more images of no class."""
    random = np.random.default_rng(seed)
    known = images()
    changed = [change(image) for image in known] if change else known
    for number in range(frames):
        shifted = number >= SHIFT_AT
        chosen = (changed if shifted else known)[random.integers(len(known))]
        rejected = random.random() < 0.05 + (unknown if shifted else 0.0)
        yield answer(chosen, "nothing" if rejected else "cat", random.uniform(0.8, 1.0))


def found(monitor: DriftMonitor, results: Iterable[Result]) -> tuple[int, tuple[Change, ...]] | None:
    for number, _ in enumerate(monitor(iter(results))):
        if monitor.status and monitor.status.changes:
            return number, monitor.status.changes
    return None


def darken(image: Image) -> Image:
    return (255 * (image / 255.0) ** 3).astype(np.uint8)


def brighten(image: Image) -> Image:
    return (255 * (image / 255.0) ** 0.3).astype(np.uint8)


def blur(image: Image) -> Image:
    blurred: Image = opencv().GaussianBlur(image, (0, 0), 4)
    return blurred


def cover(image: Image) -> Image:
    return np.full_like(image, 3)


@pytest.mark.parametrize("seed", range(2))
def test_clean_streams_raise_no_alarm(seed: int) -> None:
    assert found(DriftMonitor(card, lambda _line: None), stream(20_000, seed)) is None


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (darken, Change.DARKER),
        (brighten, Change.BRIGHTER),
        (blur, Change.BLURRED),
        (cover, Change.COVERED),
    ],
)
def test_a_change_of_all_frames_is_found_and_named(
    change: Callable[[Image], Image], expected: Change, seed: int
) -> None:
    outcome = found(DriftMonitor(card, lambda _line: None), stream(SHIFT_AT + WITHIN, seed, change))
    assert outcome is not None
    assert outcome[0] >= SHIFT_AT
    assert expected in outcome[1]


@pytest.mark.parametrize("seed", range(2))
def test_images_of_no_class_in_a_third_of_the_frames_are_a_new_kind_of_object(seed: int) -> None:
    outcome = found(DriftMonitor(card, lambda _line: None), stream(SHIFT_AT + WITHIN, seed, unknown=0.3))
    assert outcome is not None
    assert outcome[0] >= SHIFT_AT
    assert outcome[1] == (Change.NEW_KIND,)


def test_dark_frames_among_the_others_are_a_new_kind_of_object_where_they_are_of_no_class() -> None:
    random = np.random.default_rng(5)

    def results() -> Iterable[Result]:
        for number in range(SHIFT_AT + 3 * WITHIN):
            image = images()[random.integers(len(images()))]
            other = number >= SHIFT_AT and random.random() < 0.3
            yield answer(darken(image), "nothing") if other else answer(image, "cat")

    outcome = found(DriftMonitor(card, lambda _line: None), results())
    assert outcome is not None
    assert outcome[1] == (Change.NEW_KIND,)


def test_low_scores_are_a_new_kind_of_object_for_a_model_without_a_rejection() -> None:
    def results() -> Iterable[Result]:
        random = np.random.default_rng(3)
        for number in range(SHIFT_AT + WITHIN):
            unsure = number >= SHIFT_AT and random.random() < 0.4
            yield answer(images()[number % 400], "cat", 0.5 if unsure else random.uniform(0.81, 1.0))

    outcome = found(DriftMonitor(lambda: card(rejection=False), lambda _line: None), results())
    assert outcome is not None
    assert outcome[0] >= SHIFT_AT
    assert outcome[1] == (Change.NEW_KIND,)


def test_it_is_said_once_and_once_when_it_is_over() -> None:
    lines: list[str] = []
    monitor = DriftMonitor(card, lines.append)
    clean, dark = (list(images()), [darken(image) for image in images()])
    frames = [*clean * 3, *dark * 3, *clean * 5]
    for _ in monitor(iter([answer(image, "cat") for image in frames])):
        pass
    assert len(lines) == 2, lines
    assert lines[0].startswith("drift: darker: ")
    assert "of held-out images 5%" in lines[0]
    assert lines[1].startswith("drift is over (darker")


def test_the_cause_is_said_and_not_its_consequence_which_is_found_earlier() -> None:
    lines: list[str] = []
    monitor = DriftMonitor(card, lines.append)
    dark = [answer(darken(image), "nothing") for image in images()]
    for _ in monitor(iter([*(answer(image, "cat") for image in images()), *dark])):
        pass
    assert len(lines) == 1, lines
    assert lines[0].startswith("drift: darker: ")


def test_blur_is_named_where_the_frames_are_of_no_class_too() -> None:
    """Answers are examined more often than pixels: measured later, blur was called a new kind of object."""
    blurred = [blur(image) for image in images()]

    def results(random: np.random.Generator) -> Iterable[Result]:
        for number in range(SHIFT_AT // 2 + WITHIN):
            shifted = number >= SHIFT_AT // 2
            chosen = blurred if shifted and random.random() < 0.85 else images()
            rejected = random.random() < (0.8 if shifted else 0.05)
            yield answer(chosen[random.integers(len(chosen))], "nothing" if rejected else "cat")

    for seed in range(20):
        outcome = found(DriftMonitor(card, lambda _line: None), results(np.random.default_rng(seed)))
        assert outcome is not None
        assert outcome[1] == (Change.BLURRED,), seed


def test_the_pixels_of_few_frames_are_measured_until_drift_is_suspected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: list[Image] = []
    monkeypatch.setattr(
        "edge_runtime.drift.monitor.measure_image",
        lambda image: measured.append(image) or measure_image(image),
    )
    monitor = DriftMonitor(card, lambda _line: None)
    for clean in stream(3200, 1):
        assert list(monitor(iter([clean])))
    assert len(measured) <= 3200 // 16
    measured.clear()
    for image in images():
        assert list(monitor(iter([answer(darken(image), "cat")])))
    assert len(measured) >= 400 // 3


def test_what_runs_is_shown_beside_the_reference() -> None:
    monitor = DriftMonitor(card, lambda _line: None)
    for _ in monitor(iter(stream(2000, 1))):
        pass
    status = monitor.status
    assert status is not None
    assert status.changes == ()
    assert status.running["brightness"] == pytest.approx(status.reference["brightness"], rel=0.1)
    assert status.running["unknown_fraction"] == pytest.approx(0.05, abs=0.05)
    assert status.shares["cat"] == pytest.approx(0.95, abs=0.05)
    assert status.reference_shares["cat"] == 0.55


def test_a_slow_camera_is_not_kept_waiting_for_64_frames() -> None:
    monitor = DriftMonitor(card, lambda _line: None)

    def results(seconds: float) -> Iterable[Result]:
        for number, seen in enumerate(stream(40, 1)):
            frame = dataclasses.replace(seen.frame, captured_at=number * seconds)
            yield dataclasses.replace(seen, frame=frame)

    seen = [monitor.status for _ in monitor(iter(results(seconds=2.0)))]
    assert seen[9] is not None
    assert len({id(status) for status in seen}) >= 10
    seen = [monitor.status for _ in monitor(iter(results(seconds=0.01)))]
    assert len({id(status) for status in seen}) <= 3


def test_the_score_of_an_image_of_no_class_is_the_one_among_the_classes() -> None:
    """As in the reference; where only `unknown` is given, there is none."""
    monitor = DriftMonitor(card, lambda _line: None)
    both = (Prediction("nothing", 2, 0.9), Prediction("cat", 0, 0.08), Prediction("dog", 1, 0.02))
    for number in range(2000):
        seen = answer(images()[number % 400], "nothing")
        predictions = both if number % 3 else both[:1]
        for _ in monitor(iter([dataclasses.replace(seen, predictions=predictions)])):
            pass
    assert monitor.status is not None
    assert monitor.status.running["score"] == pytest.approx(0.8)


def test_another_model_starts_anew_and_one_without_reference_is_not_monitored() -> None:
    current: list[ModelCard | None] = [card()]
    lines: list[str] = []
    monitor = DriftMonitor(lambda: current[0], lines.append)
    dark = [answer(darken(image), "cat") for image in images()]
    for _ in monitor(iter(dark)):
        pass
    assert monitor.status is not None
    assert Change.DARKER in monitor.status.changes
    current[0] = None
    for _ in monitor(iter(dark)):
        pass
    assert monitor.status is None
    assert len(lines) == 1


def test_an_answer_of_the_model_before_is_no_share_of_the_new_one() -> None:
    current = [card(), dataclasses.replace(card())]
    monitor = DriftMonitor(lambda: current[0], lambda _line: None)
    for number, image in enumerate([*images(), *images()]):
        if number == 391:
            del current[0]
        label = "dog" if number < 391 else "cat"
        for _ in monitor(iter([answer(image, label)])):
            pass
    assert monitor.status is not None
    assert dict(monitor.status.shares) == {"cat": 1.0}


def test_events_without_a_frame_pass_through() -> None:
    result = answer(images()[0], "cat")
    assert list(DriftMonitor(card, lambda _line: None)(iter([None, result, None]))) == [None, result, None]
