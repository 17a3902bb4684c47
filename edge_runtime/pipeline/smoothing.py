"""What is said in the end: a threshold for each frame, a vote over time."""

import dataclasses
from collections import Counter, deque

from edge_runtime.core.types import Result

TAKE_OVER = 0.6
"""Share of the votes that another answer needs; between this and the rest the present answer stands."""


class Decision:
    """Decides on the answer of each result.

    Without smoothing each frame speaks for itself. With it every frame has one vote, for its best label or
    for unknown; another answer takes over when it has `TAKE_OVER` of the votes of the last seconds. So one
    wrong frame changes nothing, and two labels that are equally likely do not alternate (hysteresis).

    Args:
        threshold: predictions with a lower score are left out; none left means unknown.
        smooth: seconds over which frames vote; 0 for not.
    """

    def __init__(self, threshold: float = 0.0, smooth: float = 0.0) -> None:
        self._threshold = threshold
        self._smooth = smooth
        self._votes: deque[tuple[float, str | None]] = deque()
        self._counts: Counter[str | None] = Counter()
        self._answer: str | None = None

    def decide(self, result: Result) -> Result:
        """The result with its sure predictions and its answer."""
        if not self._threshold and not self._smooth:
            return result
        sure = tuple(each for each in result.predictions if each.score >= self._threshold)
        vote = sure[0].label if sure else None
        answer = self._count(vote, result.frame.captured_at) if self._smooth else vote
        return dataclasses.replace(result, predictions=sure, answer=answer)

    def _count(self, vote: str | None, at: float) -> str | None:
        self._votes.append((at, vote))
        self._counts[vote] += 1
        while self._votes[0][0] < at - self._smooth:
            _, old = self._votes.popleft()
            self._counts[old] -= 1
        leader, votes = self._counts.most_common(1)[0]
        if votes >= TAKE_OVER * len(self._votes):
            self._answer = leader
        return self._answer
