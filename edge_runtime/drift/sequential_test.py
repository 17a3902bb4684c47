"""A sequential test of whether something happens more often than it should, with a bound on false alarms."""

import math
from collections.abc import Sequence

RARELY = 1e8
"""Frames from one false alarm of a test to the next, on average at least."""

EXCESS = 0.15
"""How much more often than usual an event is expected to happen where there is drift."""

CONFIDENCE_DEVIATIONS = 2.0
FORGET = 300
"""Frames over which the present rate is averaged."""

SUSPECT = 0.25
"""Drift is suspected at this fraction of the evidence that an alarm needs."""

RARE_ENOUGH = 0.5
"""With drift over, the event happens less often than this fraction of what raises an alarm."""


def upper_bound(fraction: float, images: int) -> float:
    """The largest probability with which a fraction seen in some images agrees.

    The upper end of Wilson's interval (1927), at two standard deviations.

    Args:
        fraction: of the images, in [0, 1].
        images: how many they are.
    """
    z2 = CONFIDENCE_DEVIATIONS**2
    spread = CONFIDENCE_DEVIATIONS * math.sqrt(
        fraction * (1 - fraction) / images + z2 / (4 * images * images)
    )
    return (fraction + z2 / (2 * images) + spread) / (1 + z2 / images)


class TailTest:
    """Watches one kind of event, such as a frame that is darker than 95 % of the held-out images.

    Evidence is the likelihood ratio of a larger probability of the event against the usual one, and never
    falls below 1 (Page's CUSUM, 1954). Where frames are independent and the event has at most its usual
    probability, alarms are `RARELY` frames apart or more on average, for ever: evidence that starts anew is
    an e-detector (Shin, Ramdas, Rinaldo, E-detectors, 2024, theorem 2.4). Frames of a camera are alike: an
    event that lasts counts with every frame, so that an alarm needs `LEAST` of them at least.

    Args:
        usual: largest probability of the event without drift, in (0, 1).

    Attributes:
        drifted: whether there is drift.
    """

    LEAST = 20
    """An alarm has to be reached by this many events at least."""

    def __init__(self, usual: float) -> None:
        expected = min(usual + EXCESS, (1 + usual) / 2)
        self._limit = math.log(RARELY)
        self._up = min(math.log(expected / usual), self._limit / self.LEAST)
        self._down = math.log((1 - expected) / (1 - usual))
        self._evidence = 0.0
        self._over = RARE_ENOUGH * (usual + expected)
        self._frames = 0
        self._events = 0
        self.drifted = False
        self._rate = usual

    @property
    def rate(self) -> float:
        """How often the event happens at present, in [0, 1]."""
        # Where drift is only suspected: since the event began to happen more often.
        return self._rate if self.drifted or not self._frames else self._events / self._frames

    @property
    def evidence(self) -> float:
        """The evidence for drift, as a fraction of what an alarm needs; at least 1 while there is drift."""
        return self._evidence / self._limit

    @property
    def suspects(self) -> bool:
        """Whether there is drift, or may soon be."""
        return self.evidence >= SUSPECT

    def update(self, happened: Sequence[bool]) -> bool:
        """Count some frames, in their order.

        Returns:
            Whether drift has begun or ended in them.
        """
        before = self.drifted
        usual = 0
        for each in happened:
            if each:
                self._add_usual(usual)
                self._add_event()
                usual = 0
            else:
                usual += 1
        self._add_usual(usual)
        return self.drifted is not before

    def _add_usual(self, frames: int) -> None:
        """Count some frames without the event."""
        self._rate *= (1 - 1 / FORGET) ** frames
        if self.drifted:
            if self._rate < self._over:
                self.drifted = False
                self._begin()
        elif self._frames:
            self._evidence += frames * self._down
            self._frames += frames
            if self._evidence <= 0:
                self._begin()

    def _add_event(self) -> None:
        self._rate += (1 - self._rate) / FORGET
        if not self.drifted:
            self._evidence += self._up
            self._frames += 1
            self._events += 1
            if self._evidence >= self._limit:
                self.drifted = True
                self._rate = self._events / self._frames

    def _begin(self) -> None:
        # Where evidence was 0 last is the likely beginning of a change (Page, 1954).
        self._evidence, self._frames, self._events = 0.0, 0, 0
