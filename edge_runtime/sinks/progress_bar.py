"""A bar for a folder of pictures, where a terminal shows no results."""

from edge_runtime.core.progress import Reporter
from edge_runtime.core.types import Result
from edge_runtime.sinks.base import SinkBase


class ProgressSink(SinkBase):
    """Counts results in a bar on stderr, with the time left.

    Args:
        total: how many pictures there are.
    """

    def __init__(self, total: int) -> None:
        self._reporter = Reporter()
        self._reporter.bars.start()
        self._task = self._reporter.bars.add_task("classifying", total=total)

    def emit(self, _result: Result) -> None:
        """Count one."""
        self._reporter.bars.advance(self._task)

    def close(self) -> None:
        """Take the bar away."""
        self._reporter.bars.stop()
