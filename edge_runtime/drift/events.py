"""The events that drift is recognized by, and what each of them means for the user."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge_runtime.drift.sequential_test import upper_bound
from edge_runtime.model import QUANTILES, Distribution, ModelCard, Rejection

TAIL = 0.05
"""Fraction of the held-out images at either end of a distribution that counts as unusual."""

MOST = 0.5
"""A change of the camera or of the light shows in at least this fraction of the frames."""

LOW, HIGH = QUANTILES.index(TAIL), QUANTILES.index(1 - TAIL)


class Change(StrEnum):
    """What changed between the held-out images and the frames."""

    COVERED = "covered"
    DARKER = "darker"
    BRIGHTER = "brighter"
    BLURRED = "blurred"
    MOVED = "moved"
    NEW_KIND = "new kind of object"


CAUSES = (
    frozenset({Change.COVERED}),
    frozenset({Change.DARKER, Change.BRIGHTER, Change.BLURRED}),
    frozenset({Change.MOVED}),
    frozenset({Change.NEW_KIND}),
)
"""A change explains those in later groups: a covered camera is darker and shows nothing known as well."""


@dataclass(frozen=True)
class Event:
    """Something that can be said of a frame, and how often it is true of the held-out images.

    Attributes:
        change: what it shows when it happens too often.
        number: the name of the value that it looks at.
        happens: whether it happens at this value.
        usual: the largest probability of it that the held-out images agree with.
        meaning: what it says of frames.
        usually: what is true of the held-out images.
    """

    change: Change
    number: str
    happens: Callable[[float], bool]
    usual: float
    meaning: str
    usually: str


def make_events(card: ModelCard) -> tuple[Event, ...]:
    """The events for a model, from its reference statistics; none where it has no reference."""
    if card.reference is None:
        return ()
    known = card.reference.statistics
    events: list[Event] = []
    if (contrast := known.get("contrast")) and contrast.quantiles[0] > 0:
        events.append(_covered(contrast))
    if brightness := known.get("brightness"):
        events.append(_below(Change.DARKER, "brightness", brightness))
        events.append(_above(Change.BRIGHTER, "brightness", brightness))
    if sharpness := known.get("sharpness"):
        events.append(_below(Change.BLURRED, "sharpness", sharpness))
    if card.rejection:
        events.append(_unknown(card, card.rejection))
    elif score := known.get("score"):
        events.append(_below(Change.NEW_KIND, "score", score))
    return tuple(event for event in events if event.usual < 1)


def explain(rates: Mapping[Change, float], *, more_unknown: bool) -> tuple[Change, ...]:
    """The changes that are not explained by another one, in the order of `Change`.

    Where only some of the frames are darker or blurred, and more of them are of no class, these frames show
    something new; the camera has not changed.

    Args:
        rates: changes that are found, and in which fraction of the frames they show.
        more_unknown: whether more frames seem to be of no class than usual.
    """
    changes = {change for change, rate in rates.items() if rate >= MOST or not more_unknown}
    if len(changes) < len(rates):
        changes.add(Change.NEW_KIND)
    first = next((group & changes for group in CAUSES if group & changes), frozenset[Change]())
    return tuple(change for change in Change if change in first)


def rank(changes: Sequence[Change]) -> int:
    """The position of the first group of `CAUSES` with one of the changes, else their number."""
    return next((number for number, group in enumerate(CAUSES) if group & set(changes)), len(CAUSES))


def _covered(contrast: Distribution) -> Event:
    # Half of the smallest contrast: no held-out image is near it.
    limit = contrast.quantiles[0] / 2
    return Event(
        Change.COVERED,
        "contrast",
        limit.__gt__,
        upper_bound(0.0, contrast.images),
        f"have a contrast below {limit:.3g}",
        "none",
    )


def _unknown(card: ModelCard, rejection: Rejection) -> Event:
    shares = card.reference.shares if card.reference else {}
    fraction = min(max(shares.get(rejection.label, 1 - rejection.keep), 0.0), 1.0)
    return Event(
        Change.NEW_KIND,
        "unknown_fraction",
        bool,
        upper_bound(fraction, rejection.images),
        f"are {rejection.label}",
        f"{fraction:.1%} are",
    )


def _below(change: Change, number: str, found: Distribution) -> Event:
    limit = found.quantiles[LOW]
    meaning = f"have a {number} below {limit:.3g}"
    return Event(change, number, limit.__gt__, upper_bound(TAIL, found.images), meaning, f"{TAIL:.0%} have")


def _above(change: Change, number: str, found: Distribution) -> Event:
    limit = found.quantiles[HIGH]
    meaning = f"have a {number} above {limit:.3g}"
    return Event(change, number, limit.__lt__, upper_bound(TAIL, found.images), meaning, f"{TAIL:.0%} have")
