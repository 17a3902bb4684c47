"""A progress bar for a folder of images, where results do not go to the terminal."""

from edge_runtime.core import Reporter, Result
from edge_runtime.sinks.base import SinkBase


class ProgressSink(SinkBase):
    """Counts results in a bar on stderr, with the time left.

    Args:
        total: how many images there are.
    """

    def __init__(self, total: int) -> None:
        self._reporter = Reporter()
        self._reporter.bars.start()
        self._task = self._reporter.bars.add_task("classifying", total=total)

    def emit(self, _result: Result) -> None:
        """Count one result."""
        self._reporter.bars.advance(self._task)

    def close(self) -> None:
        """Remove the bar."""
        self._reporter.bars.stop()
