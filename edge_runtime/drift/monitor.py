"""The stage of the pipeline that compares frames with the held-out images, in constant memory."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from edge_runtime.core import Result, Say
from edge_runtime.drift.events import Change, Event, explain, make_events
from edge_runtime.drift.layout import SceneLayout
from edge_runtime.drift.running import RunningMeans, RunningShares
from edge_runtime.drift.sequential_test import TailTest, upper_bound
from edge_runtime.images import measure_image
from edge_runtime.model import ModelCard

EXAMINE_EVERY = 2
"""One frame out of this many is examined: the frames between cost nothing."""

LAYOUT_EVERY = 4
"""One examined frame out of this many is compared with the scene."""

STATUS_EVERY = 10
"""The status is of the last examined frame whose number is a multiple of this, or of a change."""

OTHER_SCENE = upper_bound(0.05, 500)
SCENE = "another scene than the first frames"

Card = Callable[[], ModelCard | None]
"""Returns the card of the model that runs now; None where it has none."""


@dataclass(frozen=True)
class DriftStatus:
    """How the frames compare with the held-out images.

    Attributes:
        changes: what has changed; empty without drift.
        message: the same in one line, with values.
        running: name → mean over the last frames: `brightness`, `contrast`, `sharpness`, `score` of the best
            class, `unknown_fraction`.
        reference: the same of the held-out images.
        shares: answer → fraction of the last frames.
        reference_shares: the same of the held-out images.
    """

    changes: tuple[Change, ...]
    message: str
    running: Mapping[str, float]
    reference: Mapping[str, float]
    shares: Mapping[str, float]
    reference_shares: Mapping[str, float]


class DriftMonitor:
    """Says once when the frames have left what the model was tested on, and once when that is over.

    It starts anew with another model. A model without reference statistics is not monitored.

    Args:
        card: of the model that runs now.
        say: shows a line that the user should know.

    Attributes:
        status: None where there is no reference, or no frame yet.
    """

    def __init__(self, card: Card, say: Say) -> None:
        self._card = card
        self._say = say
        self._watched: ModelCard | None = None
        self._comparison: _Comparison | None = None
        self._frames = 0
        self.status: DriftStatus | None = None

    def __call__(self, results: Iterator[Result | None]) -> Iterator[Result | None]:
        """The stage: every result passes through; None too."""
        for result in results:
            if result is not None:
                self._frames += 1
                if self._frames % EXAMINE_EVERY == 0:
                    self._examine(result)
            yield result

    def _examine(self, result: Result) -> None:
        card = self._card()
        if card is not self._watched:
            self._watched = card
            self._comparison = _Comparison(card) if card and card.reference else None
            self.status = None
        if self._comparison is None:
            return
        changed = self._comparison.add(result)
        if changed or self._comparison.examined % STATUS_EVERY == 0:
            before = self.status.changes if self.status else ()
            self.status = self._comparison.status()
            if self.status.changes != before:
                self._tell(before)

    def _tell(self, before: tuple[Change, ...]) -> None:
        status = self.status
        if status is None:
            return
        if status.changes:
            self._say(f"drift: {status.message}")
        else:
            self._say(f"drift is over ({', '.join(before)}): the frames are like the held-out images again")


class _Comparison:
    """The frames of one model beside its held-out images."""

    def __init__(self, card: ModelCard) -> None:
        self._unknown = card.unknown
        self._events = make_events(card)
        self._tests = {event.change: TailTest(event.usual) for event in self._events}
        self._layout = SceneLayout()
        self._moved = TailTest(OTHER_SCENE)
        self._means = RunningMeans(("brightness", "contrast", "sharpness", "score", "unknown_fraction"))
        self._shares = RunningShares()
        reference = card.reference
        self._reference = (
            {name: each.mean for name, each in reference.statistics.items()} if reference else {}
        )
        self._reference_shares = dict(reference.shares) if reference else {}
        if self._unknown in self._reference_shares:
            self._reference["unknown_fraction"] = self._reference_shares[self._unknown]
        self.examined = 0

    def add(self, result: Result) -> bool:
        """Examine one frame; returns whether a test has changed its decision."""
        if result.pixels is None:
            return False
        self.examined += 1
        image = measure_image(result.pixels)
        answer = result.predictions[0].label
        best = next((each.score for each in result.predictions if each.label != self._unknown), 0.0)
        values = {
            "brightness": image.brightness,
            "contrast": image.contrast,
            "sharpness": image.sharpness,
            "score": best,
            "unknown_fraction": float(answer == self._unknown),
        }
        self._means.add(values)
        self._shares.add(answer)
        changed = False
        for event in self._events:
            changed |= self._tests[event.change].update(event.happens(values[event.number]))
        if self.examined % LAYOUT_EVERY == 0:
            changed |= self._moved.update(self._layout.is_other_scene(result.pixels))
        return changed

    def status(self) -> DriftStatus:
        """The state at this frame."""
        changes = explain(frozenset(change for change in Change if self._has(change)))
        running = self._means.values()
        return DriftStatus(
            changes=changes,
            message="; ".join(self._describe(change, running) for change in changes),
            running=running,
            reference={name: self._reference[name] for name in running if name in self._reference},
            shares=self._shares.values(),
            reference_shares=self._reference_shares,
        )

    def _has(self, change: Change) -> bool:
        if change is Change.MOVED:
            return self._moved.drifted
        return change in self._tests and self._tests[change].drifted

    def _describe(self, change: Change, running: Mapping[str, float]) -> str:
        if change is Change.MOVED:
            return f"{change}: {SCENE}"
        event = next(each for each in self._events if each.change is change)
        return f"{change}: {_say_value(event, running)}, held-out images have {event.usually}"


def _say_value(event: Event, running: Mapping[str, float]) -> str:
    value = running[event.number]
    if event.number == "unknown_fraction":
        return f"{value:.0%} of the frames are of no class"
    return f"{event.number} {value:.3g}"
