"""A fixed computation as a target: runs on the same machine on different days are compared by it."""

import numpy as np

from benchmarks.targets.spec import Steps, TargetBase
from edge_runtime.core import Image, Scores, clock


class YardstickTarget(TargetBase):
    """Multiplies matrices; the time of an image does not depend on the image."""

    SIDE = 160

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self._matrix = random.random((self.SIDE, self.SIDE), np.float32)
        self.engine = f"numpy {np.__version__}"
        self.num_threads: int | None = 1
        self.size_bytes = 0
        self.at_least = 0

    def scores(self, image: Image) -> Scores:  # noqa: ARG002 - the computation is always the same
        """One class with score 1."""
        self._work()
        return np.ones(1, np.float32)

    def steps(self, image: Image) -> Steps:  # noqa: ARG002
        """See `Target.steps`."""
        started = clock.now()
        self._work()
        return Steps(0.0, clock.milliseconds(started, clock.now()), 0.0)

    def _work(self) -> None:
        product = self._matrix
        for _ in range(4):
            product = self._matrix @ product
            product /= product.max()
