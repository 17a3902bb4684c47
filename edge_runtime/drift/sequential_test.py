"""A sequential test of whether something happens more often than it should, with a bound on false alarms."""

import math

RARELY = 1e8
"""Frames from one false alarm of a test to the next, on average at least."""

EXCESS = 0.15
"""How much more often than usual an event is expected to happen where there is drift."""

CONFIDENCE_DEVIATIONS = 2.0
FORGET = 300
"""Frames over which the present rate is averaged."""

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
        rate: how often the event happens at present.
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
        self.drifted = False
        self.rate = usual

    def update(self, happened: bool) -> bool:
        """Count one frame.

        Returns:
            Whether drift has just begun or ended.
        """
        self.rate += (happened - self.rate) / FORGET
        if self.drifted:
            if self.rate >= self._over:
                return False
            self.drifted = False
            self._evidence = 0.0
            return True
        self._evidence = max(0.0, self._evidence + (self._up if happened else self._down))
        self.drifted = self._evidence >= self._limit
        return self.drifted
