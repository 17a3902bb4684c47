"""Results as lines of text for people."""

from typing import TextIO

from edge_runtime.core import Result, printable
from edge_runtime.sinks.base import SinkBase, write_line


class TextSink(SinkBase):
    """Writes one line a frame: source, labels with scores, milliseconds.

    If a vote over time has decided on another label than this frame's best, it is written before them.

    Args:
        stream: where to write.
        colored: with colors, for a terminal.
    """

    def __init__(self, stream: TextIO, *, colored: bool = False) -> None:
        self._stream = stream
        self._console = None
        if colored:
            from rich.console import Console

            self._console = Console(file=stream, highlight=False, soft_wrap=True)

    def emit(self, result: Result) -> None:
        """Write one line."""
        head, tail = f"{printable(result.frame.source)}: ", f" ({result.timing.total:.1f} ms)"
        if self._console is None:
            write_line(self._stream, f"{head}{describe(result)}{tail}")
            return
        from rich.text import Text

        color = "bold yellow" if result.is_unknown else "bold green"
        line = Text.assemble((head, "dim"), (describe(result), color), (tail, "dim"))
        with self._console.capture() as captured:
            self._console.print(line, end="")
        write_line(self._stream, captured.get())


def describe(result: Result) -> str:
    """The answer and the scores as text."""
    scores = ", ".join(f"{printable(each.label)} {each.score:.2f}" for each in result.predictions)
    if not result.predictions:
        return printable(result.answer)
    if result.predictions[0].label == result.answer:
        return scores
    return f"{printable(result.answer)} [{scores}]"
