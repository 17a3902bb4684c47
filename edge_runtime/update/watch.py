"""The first minutes of a new model: does it reject far more than the one before, does it drift at once?"""

from collections import deque
from collections.abc import Sequence
from enum import Enum

from edge_runtime.core import clock, wilson_interval
from edge_runtime.trust import Trial

MIN_RESULTS = 50
"""Results that a comparison needs, of either model."""

KEPT_RESULTS = 500
"""The last results that are the baseline for the next model."""

MARGIN = 0.1
"""So much larger the fraction of unknown images must be beyond both intervals."""

USUAL = 0.5
"""Fraction of unknown images that a model may have where the one before gave too few results."""


class Verdict(Enum):
    """What is known of a model on trial."""

    OPEN = "open"
    PASSED = "passed"
    FAILED = "failed"


class Baseline:
    """How many of the last results were unknown, in constant memory."""

    def __init__(self) -> None:
        self._last: deque[bool] = deque(maxlen=KEPT_RESULTS)
        self.seen = (0, 0)
        """Unknown results and all results; replaced as a whole, for other threads."""

    def add(self, *, unknown: bool) -> None:
        """Count one result."""
        leaving = self._last[0] if len(self._last) == KEPT_RESULTS else False
        self._last.append(unknown)
        self.seen = (self.seen[0] + unknown - leaving, len(self._last))


class TrialWatch:
    """Compares a model with the one before.

    Args:
        trial: with the results of the one before.
        seconds: how long it lasts; with too few results longer.
    """

    def __init__(self, trial: Trial, seconds: float) -> None:
        self.trial = trial
        self._until = clock.now() + seconds
        self._unknown = self._results = 0
        self.reason = ""

    def add(self, *, unknown: bool, changes: Sequence[str]) -> Verdict:
        """Count one result, and judge.

        Args:
            unknown: whether the image is of no class.
            changes: the drift that there is now.
        """
        self._unknown += unknown
        self._results += 1
        new = sorted(set(changes) - set(self.trial.changes))
        if new:
            self.reason = f"its frames differ from its held-out images at once: {', '.join(new)}"
            return Verdict.FAILED
        if self._results % MIN_RESULTS == 0 and self._rejects_more():
            before = (
                f"{self.trial.unknown} of {self.trial.results} before"
                if self.trial.results >= MIN_RESULTS
                else f"at most {USUAL:.0%} are expected"
            )
            self.reason = f"{self._unknown} of {self._results} results are unknown, {before}"
            return Verdict.FAILED
        if self._results >= MIN_RESULTS and clock.now() >= self._until:
            return Verdict.PASSED
        return Verdict.OPEN

    def _rejects_more(self) -> bool:
        enough = self.trial.results >= MIN_RESULTS
        usual = wilson_interval(self.trial.unknown, self.trial.results)[1] if enough else USUAL
        return wilson_interval(self._unknown, self._results)[0] > usual + MARGIN
