"""False alarms and delays of drift detection, and what it costs.

    python -m benchmarks.studies.drift RUN MODEL.tflite OTHERS [STREAMS]

Frames are drawn at random from the test images of RUN, as `edge-classify` classifies them. STREAMS streams of
100,000 frames stay as they are. In others, from frame 5,000 on, all frames are darker (gamma 3), brighter
(gamma 1/3), blurred or covered, or 30 % show an image of the folder OTHERS. Prints one row for each, and what
the stage costs where JPEGs of the test images, at their size, are read, classified and written as lines.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from types import MappingProxyType

import numpy as np

from edge_runtime.core import Frame, Image, Result, clock, markdown_table
from edge_runtime.datasets import TEST, read_run
from edge_runtime.drift import Change, DriftMonitor
from edge_runtime.images import encode_jpeg, list_images, opencv, read_image
from edge_runtime.inference import Classifier, load_model
from edge_runtime.model import ModelCard, read_model_file
from edge_runtime.pipeline import Decision
from edge_runtime.sinks import JsonLinesSink
from edge_runtime.sources import new_frame

FRAMES = 100_000
SHIFT_AT = 5_000
OTHERS_FRACTION = 0.3
STREAMS = 20
IMAGES = 600
COST_IMAGES = 200
ROUNDS = 25


@dataclass(frozen=True)
class Shift:
    """What frames are drawn from after the shift, and how many of them."""

    results: Sequence[Result]
    fraction: float = 1.0


@dataclass(frozen=True)
class Cost:
    """Seconds of a frame.

    Attributes:
        whole: from its file to its line of JSON.
        classification: from its image to its result.
        stage: the drift stage.
    """

    whole: float
    classification: float
    stage: float

    def __str__(self) -> str:
        whole, classification, stage = (1e6 * each for each in (self.whole, self.classification, self.stage))
        return (
            f"From its file to its line a frame takes {whole:.0f} µs, the drift stage {stage:.1f} µs: "
            f"{stage / whole:.2%}, and {stage / classification:.2%} of the {classification:.0f} µs of the "
            "classification"
        )


def make_shifts(classifier: Classifier, images: Sequence[Image], others: Sequence[Image]) -> dict[str, Shift]:
    """The shifts of the table, by name."""
    shifts = {
        name: Shift(classify(classifier, [change(image) for image in images]))
        for name, change in CHANGES.items()
    }
    if others:
        shifts["new kind"] = Shift(classify(classifier, others), OTHERS_FRACTION)
    return shifts


def classify(classifier: Classifier, images: Sequence[Image]) -> list[Result]:
    """The results that `edge-classify` gives its stages."""
    return [
        classifier.observe(Frame(image, index, clock.now(), 0.0, "study"), 3)
        for index, image in enumerate(images)
    ]


def stream(
    known: Sequence[Result], shift: Shift | None, frames: int, random: np.random.Generator
) -> Iterator[Result]:
    """Results in random order; from `SHIFT_AT` on of the shift, if there is one."""
    drawn = random.integers(0, len(known), frames)
    shifted = random.random(frames) < (shift.fraction if shift else 0.0)
    for number in range(frames):
        if shift is not None and number >= SHIFT_AT and shifted[number]:
            yield shift.results[int(drawn[number]) % len(shift.results)]
        else:
            yield known[int(drawn[number])]


def find_drift(card: ModelCard, results: Iterator[Result]) -> tuple[int, tuple[Change, ...]] | None:
    """The number of the frame at which drift was found, and the changes; None without drift."""
    monitor = DriftMonitor(lambda: card, lambda _line: None)
    for number, _ in enumerate(monitor(results)):
        if monitor.status and monitor.status.changes:
            return number, monitor.status.changes
    return None


def measure_cost(card: ModelCard, classifier: Classifier, paths: Sequence[Path]) -> Cost:
    """Read, classify and write images as lines of JSON, in one thread, and time it."""
    monitor = DriftMonitor(lambda: card, lambda _line: None)
    whole, classification, stage = [], [], []
    for _ in range(ROUNDS):
        times = [clock.now()]
        with Path(os.devnull).open("w", encoding="utf-8") as lines:
            sink = JsonLinesSink(lines)
            results = monitor(_and_time(classifier.observe_all(_read(classifier, paths), 3), times))
            for result in Decision()(_and_time(results, times)):
                if result is not None:
                    sink.emit(result)
                    classification.append(result.timing.total / 1000)
        # A frame, the stage after it, the next frame, …
        steps = np.diff(times)
        stage.append(float(steps[1::2].mean()))
        whole.append(float(steps[::2].mean()) + stage[-1])
    return Cost(median(whole), median(classification), median(stage))


def _read(classifier: Classifier, paths: Sequence[Path]) -> Iterator[Frame]:
    for index, path in enumerate(paths):
        yield new_frame(read_image(path, at_least=classifier.at_least), index, str(path))


def _and_time(results: Iterator[Result | None], times: list[float]) -> Iterator[Result | None]:
    for result in results:
        times.append(clock.now())
        yield result


def _darken(image: Image) -> Image:
    return _gamma(image, 3)


def _brighten(image: Image) -> Image:
    return _gamma(image, 1 / 3)


def _gamma(image: Image, power: float) -> Image:
    table = np.rint(255 * (np.arange(256) / 255) ** power).astype(np.uint8)
    return np.asarray(table[image], np.uint8)


def _blur(image: Image) -> Image:
    blurred: Image = opencv().GaussianBlur(image, (0, 0), max(1.0, min(image.shape[:2]) / 16))
    return blurred


def _cover(image: Image) -> Image:
    return np.full_like(image, 4)


CHANGES: Mapping[str, Callable[[Image], Image]] = MappingProxyType(
    {"gamma 3": _darken, "gamma 1/3": _brighten, "blur": _blur, "covered": _cover}
)


def main(run_folder: Path, model_path: Path, others: Path, streams: int) -> None:
    """Print one row for each kind of stream, and what the stage costs."""
    run = read_run(run_folder)
    file = read_model_file(model_path, None)
    classifier = load_model(file).classifier
    card = file.card
    if card is None or card.reference is None:
        raise SystemExit(f"{model_path}: no reference statistics inside")
    data, hint = run.open_data(), classifier.at_least
    images = [data.load(sample.file, hint) for sample in islice(run.split(TEST), IMAGES)]
    strangers = [read_image(path, at_least=hint) for path in islice(list_images(others), IMAGES)]
    known = classify(classifier, images)
    rows = [_row("clean", card, known, None, FRAMES, streams)]
    for name, shift in make_shifts(classifier, images, strangers).items():
        rows.append(_row(name, card, known, shift, SHIFT_AT + 5_000, streams))
    columns = ("from frame 5,000 on", "streams", "false alarms", "found", "frames until then", "said")
    print(markdown_table(columns, rows))  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{index}.jpg" for index in range(min(len(images), COST_IMAGES))]
        for path, image in zip(paths, images, strict=False):
            path.write_bytes(encode_jpeg(image))
        cost = measure_cost(card, classifier, paths)
    print(f"\n{cost}")  # noqa: T201


def _row(
    name: str, card: ModelCard, known: Sequence[Result], shift: Shift | None, frames: int, streams: int
) -> Sequence[str]:
    found = [
        find_drift(card, stream(known, shift, frames, np.random.default_rng(seed))) for seed in range(streams)
    ]
    times = [each for each in found if each]
    late = [(number - SHIFT_AT, changes) for number, changes in times if shift and number >= SHIFT_AT]
    said: Mapping[str, None] = dict.fromkeys(", ".join(changes) for _, changes in late)
    return (
        name,
        str(streams),
        str(len(times) - len(late)),
        str(len(late)),
        f"{min(late)[0]} to {max(late)[0]}" if late else "",
        "; ".join(said),
    )


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        Path(sys.argv[3]),
        int(sys.argv[4]) if len(sys.argv) > 4 else STREAMS,
    )
