import io
import json
from itertools import count
from pathlib import Path

from edge_runtime import (
    Decision,
    Frame,
    JsonLinesSink,
    Result,
    SyntheticSource,
    TextSink,
    classify_frames,
    load_classifier,
)
from edge_runtime.sinks import SinkBase
from tests.conftest import paint


class Kept(SinkBase):
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.results: list[Result] = []

    def emit(self, result: Result) -> None:
        self.results.append(result)


def frames() -> list[Frame]:
    colors = [(255, 0, 0), (0, 255, 0), (128, 128, 128)]
    return [
        Frame(paint(color), index, 0.0, 1700000000.25, f"{index}.png") for index, color in enumerate(colors)
    ]


def test_every_sink_gets_every_result(color_models: dict[str, Path]) -> None:
    one, other = Kept(), Kept()
    done = classify_frames(frames(), load_classifier(color_models["uint8"]), [one, other], top_k=1)
    assert done == 3
    assert [result.predictions[0].label for result in one.results[:2]] == ["red", "green"]
    assert [result.frame.index for result in other.results] == [0, 1, 2]


def test_below_the_threshold_the_answer_is_unknown(color_models: dict[str, Path]) -> None:
    text = io.StringIO()
    classify_frames(
        frames(), load_classifier(color_models["uint8"]), [TextSink(text)], decision=Decision(0.9)
    )
    lines = text.getvalue().splitlines()
    assert lines[0].startswith("0.png: red 1.00 (")
    assert lines[2].startswith("2.png: unknown (")


def test_an_endless_source_stops_at_max_frames(color_models: dict[str, Path]) -> None:
    kept = Kept()
    assert (
        classify_frames(
            SyntheticSource((16, 16)), load_classifier(color_models["uint8"]), [kept], max_frames=4
        )
        == 4
    )
    assert len(kept.results) == 4


def test_max_frames_takes_no_frame_too_many(color_models: dict[str, Path]) -> None:
    numbers = count()
    given = (Frame(paint((0, 0, 0)), next(numbers), 0.0, 0.0, "x") for _ in range(10))
    classify_frames(given, load_classifier(color_models["uint8"]), [], max_frames=2)
    assert next(numbers) == 2


def test_json_lines_have_the_promised_keys(color_models: dict[str, Path]) -> None:
    stream = io.StringIO()
    classify_frames(frames()[:1], load_classifier(color_models["uint8"]), [JsonLinesSink(stream)], top_k=2)
    line = json.loads(stream.getvalue())
    assert line.keys() == {
        "frame_id",
        "timestamp_ms",
        "source",
        "answer",
        "predictions",
        "age_ms",
        "timing_ms",
    }
    assert line["frame_id"] == 0
    assert line["timestamp_ms"] == 1700000000250
    assert line["source"] == "0.png"
    assert [each.keys() for each in line["predictions"]] == [{"index", "label", "score"}] * 2
    assert line["predictions"][0]["label"] == "red"
    assert line["timing_ms"].keys() == {"resize", "invoke", "postprocess", "total"}
