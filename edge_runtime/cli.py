"""`edge-classify`: what does the camera, the picture or the video show?"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_runtime.command_line import DEBUG, DEBUG_HELP, new_app, run_app, say
from edge_runtime.errors import ExitCode, UsageError
from edge_runtime.sinks import Format, open_sink

if TYPE_CHECKING:
    from edge_runtime.classifier import Classifier
    from edge_runtime.pixels import InputRange
    from edge_runtime.sources import Source

app = new_app()


@app.command()
def edge_classify(
    camera: Annotated[int | None, typer.Option(help="Camera by its number (0 is the first).")] = None,
    input_: Annotated[
        str | None, typer.Option("--input", help="Picture, folder, video file, or `synthetic`.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", "-m", help="Model file. [default: $EDGE_MODEL, else ./model.tflite]"),
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="Label file that overrules the one inside.")] = None,
    top_k: Annotated[int, typer.Option("--top-k", "-k", min=1, help="How many predictions.")] = 3,
    threshold: Annotated[
        float, typer.Option("--threshold", "-t", min=0.0, max=1.0, help="Below this score: unknown.")
    ] = 0.0,
    num_threads: Annotated[int | None, typer.Option(min=1, help="[default: all cores, at most 4]")] = None,
    engine: Annotated[str | None, typer.Option(help="litert or tflite-runtime.")] = None,
    input_range: Annotated[
        str | None,
        typer.Option(help="LOW,HIGH: what pixels 0 and 255 become, for foreign models that do not tell."),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TEXT,
    max_frames: Annotated[int | None, typer.Option(min=1, help="Stop after so many frames.")] = None,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Check this machine against the golden samples inside.")
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help=DEBUG_HELP)] = False,  # noqa: ARG001 - read before parsing
) -> int:
    """Say what a camera, a picture, a folder or a video shows."""
    if not self_test and (camera is None) == (input_ is None):
        raise UsageError("give one of --camera 0 and --input PATH (or --self-test)")
    classifier = _open_classifier(model, labels, engine, num_threads, _parse_range(input_range))
    if self_test:
        return _self_test(classifier)
    source = _open_source(camera, input_, at_least=max(classifier.size))
    from edge_runtime.loop import classify_frames

    sinks = [open_sink(format_, sys.stdout)]
    with source:
        classify_frames(source, classifier, sinks, top_k=top_k, threshold=threshold, max_frames=max_frames)
    return ExitCode.DONE


def main() -> None:
    """The console script."""
    run_app(app, "edge-classify")


def _open_source(camera: int | None, input_: str | None, *, at_least: int) -> "Source":
    from edge_runtime.sources import CameraSource, open_input

    if camera is not None:
        return CameraSource(camera)
    return open_input(str(input_), warn=say, at_least=at_least)


def _open_classifier(
    model: Path | None,
    labels: Path | None,
    engine: str | None,
    num_threads: int | None,
    expected: "InputRange | None",
) -> "Classifier":
    from edge_runtime.classifier import Classifier
    from edge_runtime.model_file import read_model_file

    path = model or Path(os.environ.get("EDGE_MODEL") or "model.tflite")
    file = read_model_file(path, labels)
    return Classifier(file, engine=engine, num_threads=num_threads, expected=expected)


def _parse_range(text: str | None) -> "InputRange | None":
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--input-range takes LOW,HIGH such as -1,1; got {text!r}") from error
    if low >= high:
        raise UsageError(f"--input-range: the first number must be the smaller one, got {text!r}")
    return low, high


def _self_test(classifier: "Classifier") -> int:
    from edge_runtime.self_test import run_self_test

    outcome = run_self_test(classifier)
    verdict = "passed" if outcome.passed else "FAILED"
    typer.echo(
        f"self-test {verdict}: {outcome.agreeing} of {outcome.samples} golden samples have the same label, "
        f"largest score difference {outcome.largest_difference:.3f}"
    )
    return ExitCode.DONE if outcome.passed else ExitCode.GATE
