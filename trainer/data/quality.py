"""Images that are too small, too dark or blurred, compared with the others of a data set."""

from collections.abc import Sequence
from enum import StrEnum
from statistics import median

from edge_runtime.datasets import Look

MIN_SIDE_FRACTION = 1 / 3
"""Of the median of the shorter sides; an image below that is small."""

MAX_BRIGHTNESS_OF_DARK = 25.0
"""Grey levels, of a data set that is usually brighter than twice that."""

MIN_SHARPNESS_FRACTION = 0.4
"""Of the median sharpness; an image below that is blurred."""


class Flaw(StrEnum):
    """What is wrong with an image."""

    SMALL = "small"
    DARK = "dark"
    BLURRED = "blurred"


def find_flaws(looks: Sequence[Look]) -> list[Flaw | None]:
    """The flaw of each image; None for most of them.

    What all images of a data set have in common is none: digits are small, and night images are dark.
    """
    if not looks:
        return []
    side = median(min(look.size) for look in looks)
    brightness = median(look.statistics.brightness for look in looks)
    sharpness = median(look.statistics.sharpness for look in looks)

    def flaw(look: Look) -> Flaw | None:
        if min(look.size) < MIN_SIDE_FRACTION * side:
            return Flaw.SMALL
        dark = look.statistics.brightness < MAX_BRIGHTNESS_OF_DARK
        if dark and brightness > 2 * MAX_BRIGHTNESS_OF_DARK:
            return Flaw.DARK
        if look.statistics.sharpness < MIN_SHARPNESS_FRACTION * sharpness:
            return Flaw.BLURRED
        return None

    return [flaw(look) for look in looks]
