"""Which frames are worth a label: those the model is uncertain of, that flicker, that are new."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from edge_runtime.collection.entry import Reason
from edge_runtime.core import Prediction

UNCERTAIN_MARGIN = 0.5
"""A frame is uncertain when its two best scores are closer than this. `unknown` is one of the scores, so a
frame near the rejection threshold is uncertain too."""

FLICKER_FRAMES = 8
FLICKER_CHANGES = 3
"""The answer flickers when it changed so often within so many frames."""

NEW = 0.7
"""Novelty from which a frame is kept although the model is sure of it."""

ALIKE = 0.25
"""Novelty below which a frame is too much like a kept one to be worth a label."""


LESS_USEFUL = 0.5
"""Usefulness of the newest frame that the model is sure of; a frame it is uncertain of has more."""


@dataclass(frozen=True)
class Verdict:
    """Why a frame is worth a label, and how much, in [0, 1]."""

    reason: Reason
    value: float


class Flicker:
    """Counts how often the answers of the last frames changed."""

    def __init__(self) -> None:
        self._changed: deque[bool] = deque(maxlen=FLICKER_FRAMES)
        self._last: str | None = None
        self._changes = 0

    def add(self, answer: str) -> None:
        """Note the answer of the next frame."""
        if len(self._changed) == FLICKER_FRAMES:
            self._changes -= self._changed[0]
        changed = self._last not in (None, answer)
        self._changed.append(changed)
        self._changes += changed
        self._last = answer

    @property
    def flickers(self) -> bool:
        """Whether the answer just changed, and did so before."""
        return self._changes >= FLICKER_CHANGES and self._changed[-1]


def judge(predictions: Sequence[Prediction], novelty: float, *, flickers: bool = False) -> Verdict | None:
    """Whether a frame is worth a label.

    Args:
        predictions: the two best, with `unknown` where the model has it.
        novelty: see `Kept.novelty`.
        flickers: see `Flicker.flickers`.
    """
    if novelty < ALIKE:
        return None
    margin = predictions[0].score - predictions[1].score if len(predictions) > 1 else 1.0
    if margin < UNCERTAIN_MARGIN:
        return Verdict(Reason.UNCERTAIN, 1 - margin)
    if flickers:
        return Verdict(Reason.FLICKER, LESS_USEFUL * novelty)
    if novelty >= NEW:
        return Verdict(Reason.NEW, LESS_USEFUL * novelty)
    return None
