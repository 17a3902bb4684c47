"""`edge-classify` itself, with one sink more that reports each frame: the child process of `edge-bench loop`.

python -m benchmarks.measurement.loop_worker

stdin: one line of JSON with the options of `edge-classify`. stdout: a `LoopFrame` as JSON for each result.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn, TextIO

from edge_runtime.core import CLOSED, Result, to_json
from edge_runtime.sinks import RunSnapshot, SinkBase
from edge_runtime.sources import Counts


@dataclass(frozen=True)
class LoopFrame:
    """One answered frame; durations in milliseconds.

    Attributes:
        age: of the frame when it was answered.
        resize: its duration.
        invoke: likewise.
        postprocess: likewise.
        model_sha256: of the model that answered.
        counts: what the source has done so far; None for one that drops nothing.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    age: float
    resize: float
    invoke: float
    postprocess: float
    model_sha256: str
    counts: Counts | None


class Probe(SinkBase):
    """Writes a `LoopFrame` for each result.

    Args:
        out: gets the lines.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._last: Result | None = None

    def emit(self, result: Result) -> None:
        """Keep the result until the state of the run is known."""
        self._last = result

    def publish(self, snapshot: RunSnapshot) -> None:
        """Write the line of the last result."""
        result, self._last = self._last, None
        if result is None:
            return
        timing = result.timing
        frame = LoopFrame(
            age=result.age + timing.total,
            resize=timing.resize,
            invoke=timing.invoke,
            postprocess=timing.postprocess,
            model_sha256=snapshot.model_sha256,
            counts=snapshot.source.counts,
        )
        self._out.write(to_json(frame) + "\n")
        self._out.flush()


def main() -> NoReturn:
    """Run `edge-classify` with the options from stdin."""
    from edge_runtime.cli import run_app

    # Results go to stdout as usual, where nobody reads them; the probe has a descriptor of its own.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    options = sys.stdin.buffer.readline()
    run_app(lambda: _make_app(options, out), "edge-classify", [])


def _make_app(options: bytes, out: TextIO) -> Any:
    """A Typer application without options: they come from stdin."""
    import typer

    from edge_runtime.cli import new_app, say
    from edge_runtime.core import UsageError, parse_json, parse_options
    from edge_runtime.pipeline import ClassifyConfig, Session

    def classify() -> int:
        content = parse_json(options, name="options", error=UsageError)
        config = parse_options(content, ClassifyConfig, "edge-classify", name="options")
        Session(config, say, [Probe(out)]).run()
        return 0

    app: typer.Typer = new_app()
    app.command()(classify)
    return app


if __name__ == "__main__":
    main()
