"""A target that takes longer than it needs, for studies of the gate."""

from benchmarks.targets.operator_times import OperatorTime
from benchmarks.targets.spec import Steps, Target
from edge_runtime.core import Image, Scores, clock


class SlowedTarget:
    """Another target whose images take `factor` times as long.

    Args:
        target: the other one.
        factor: at least 1.
        after: seconds from now, until which it is as fast as it is.
    """

    def __init__(self, target: Target, factor: float, after: float = 0.0) -> None:
        self._target = target
        self._factor = factor
        self._from = clock.now() + after
        self.engine = target.engine
        self.num_threads = target.num_threads
        self.size_bytes = target.size_bytes
        self.at_least = target.at_least

    def scores(self, image: Image) -> Scores:
        """See `Target.scores`."""
        return self._target.scores(image)

    def steps(self, image: Image) -> Steps:
        """See `Target.steps`."""
        started = clock.now()
        steps = self._target.steps(image)
        if started < self._from:
            return steps
        until = started + self._factor * (clock.now() - started)
        while clock.now() < until:
            pass
        return steps

    def operators(self) -> list[OperatorTime]:
        """See `Target.operators`."""
        return self._target.operators()
