"""Decide on the answer of each result: a threshold for each frame, a vote over time."""

import dataclasses
from collections import Counter, deque
from collections.abc import Iterator

from edge_runtime.core import Result

MAJORITY = 0.6
"""Fraction of the votes that another answer needs; with less the current answer stays."""


class Decision:
    """Decides on the answer of each result.

    Without smoothing each frame is decided alone. With smoothing every frame has one vote, for its best label
    or for unknown; another answer is taken when it has `MAJORITY` of the votes of the last seconds. So one
    wrong frame changes nothing, and two labels that are equally likely do not alternate (hysteresis).

    Args:
        threshold: predictions with a lower score are left out; without any the frame is unknown.
        smooth: seconds over which frames vote; 0 for no vote.
    """

    def __init__(self, threshold: float = 0.0, smooth: float = 0.0) -> None:
        self._threshold = threshold
        self._smooth = smooth
        self._votes: deque[tuple[float, str]] = deque()
        self._counts: Counter[str] = Counter()
        self._answer: str | None = None

    def __call__(self, results: Iterator[Result | None]) -> Iterator[Result | None]:
        """The stage of the pipeline: the results with their answers; None passes through."""
        return (None if result is None else self.decide(result) for result in results)

    def decide(self, result: Result) -> Result:
        """The result with the predictions above the threshold and its answer."""
        if not self._threshold and not self._smooth:
            return result
        sure = tuple(each for each in result.predictions if each.score >= self._threshold)
        vote = sure[0].label if sure else result.unknown
        answer = self._count(vote, result) if self._smooth else vote
        return dataclasses.replace(result, predictions=sure, answer=answer)

    def _count(self, vote: str, result: Result) -> str:
        at = result.frame.captured_at
        self._votes.append((at, vote))
        self._counts[vote] += 1
        while self._votes[0][0] < at - self._smooth:
            _, old = self._votes.popleft()
            self._counts[old] -= 1
        leader, votes = self._counts.most_common(1)[0]
        if votes >= MAJORITY * len(self._votes):
            self._answer = leader
        return result.unknown if self._answer is None else self._answer
