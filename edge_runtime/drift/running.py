"""Running means and fractions over the last frames, in constant memory."""

import math
from collections.abc import Sequence

FORGET = 300
"""Values over which a mean runs: those before count 1/300 less with each value after them."""

MAX_ANSWERS = 1000
"""Answers that are counted; others are not."""


class RunningMeans:
    """Exponentially weighted means; of fewer than `FORGET` values the plain mean.

    Args:
        names: of the values.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._values = dict.fromkeys(names, 0.0)
        self._counts = dict.fromkeys(names, 0)

    def add(self, name: str, values: Sequence[float]) -> None:
        """Take some values, at most `FORGET` of them."""
        if values:
            self._counts[name] = count = min(self._counts[name] + len(values), FORGET)
            mean = self._values[name]
            self._values[name] += (sum(values) / len(values) - mean) * len(values) / count

    def values(self) -> dict[str, float]:
        """The means, by name; of what has had no value yet there is none."""
        return {name: value for name, value in self._values.items() if self._counts[name]}


class RunningShares:
    """The fraction of the last frames that each answer has; adding one takes the same time for any number."""

    def __init__(self) -> None:
        self._frames = 0
        # Answer → its weight and the frame of that time: a weight only fades until it is looked at again.
        self._weights: dict[str, tuple[float, int]] = {}

    def add(self, answers: Sequence[str]) -> None:
        """Count some frames; none of them fades before the next call."""
        self._frames += len(answers)
        for answer in set(answers):
            count = answers.count(answer)
            if answer in self._weights or len(self._weights) < MAX_ANSWERS:
                self._weights[answer] = (self._now(answer) + count, self._frames)

    def values(self) -> dict[str, float]:
        """Answer → fraction, largest first."""
        weights = {answer: self._now(answer) for answer in self._weights}
        total = sum(weights.values()) or 1.0
        return {
            answer: weights[answer] / total for answer in sorted(weights, key=lambda each: -weights[each])
        }

    def _now(self, answer: str) -> float:
        weight, then = self._weights.get(answer, (0.0, self._frames))
        return weight * math.exp((then - self._frames) / FORGET)
