"""The events that drift is recognized by, and what each of them means for the user."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from edge_runtime.drift.sequential_test import upper_bound
from edge_runtime.model import QUANTILES, Distribution, ModelCard

TAIL = 0.05
"""Fraction of the held-out images at either end of a distribution that counts as unusual."""

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
        usually: the values of the held-out images, for people.
    """

    change: Change
    number: str
    happens: Callable[[float], bool]
    usual: float
    usually: str


def make_events(card: ModelCard) -> tuple[Event, ...]:
    """The events for a model, from its reference statistics; none where it has no reference."""
    if card.reference is None:
        return ()
    known = card.reference.statistics
    events: list[Event] = []
    if (contrast := known.get("contrast")) and contrast.quantiles[0] > 0:
        # Half of the smallest contrast: no held-out image is near it.
        limit = contrast.quantiles[0] / 2
        usual = upper_bound(0.0, contrast.images)
        events.append(Event(Change.COVERED, "contrast", limit.__gt__, usual, _range(contrast)))
    if brightness := known.get("brightness"):
        events.append(_below(Change.DARKER, "brightness", brightness))
        events.append(_above(Change.BRIGHTER, "brightness", brightness))
    if sharpness := known.get("sharpness"):
        events.append(_below(Change.BLURRED, "sharpness", sharpness))
    if card.rejection:
        fraction = card.reference.shares.get(card.unknown, 1 - card.rejection.keep)
        images = next((each.images for each in known.values()), card.rejection.images)
        usual = upper_bound(min(max(fraction, 0.0), 1.0), images)
        events.append(Event(Change.NEW_KIND, "unknown_fraction", bool, usual, f"{fraction:.1%}"))
    elif score := known.get("score"):
        events.append(_below(Change.NEW_KIND, "score", score))
    return tuple(event for event in events if event.usual < 1)


def explain(changes: frozenset[Change]) -> tuple[Change, ...]:
    """The changes that are not explained by another one, in the order of `Change`."""
    first = next((group & changes for group in CAUSES if group & changes), frozenset[Change]())
    return tuple(change for change in Change if change in first)


def _below(change: Change, number: str, found: Distribution) -> Event:
    return Event(change, number, found.quantiles[LOW].__gt__, upper_bound(TAIL, found.images), _range(found))


def _above(change: Change, number: str, found: Distribution) -> Event:
    return Event(change, number, found.quantiles[HIGH].__lt__, upper_bound(TAIL, found.images), _range(found))


def _range(found: Distribution) -> str:
    return f"{found.quantiles[LOW]:.3g} to {found.quantiles[HIGH]:.3g}"
