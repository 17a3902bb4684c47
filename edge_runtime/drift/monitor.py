"""The stage of the pipeline that compares frames with the held-out images, in constant memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edge_runtime.core import Image, Prediction, Result, Say
from edge_runtime.drift.events import Change, explain, make_events, rank
from edge_runtime.drift.layout import SceneLayout
from edge_runtime.drift.running import RunningMeans, RunningShares
from edge_runtime.drift.sequential_test import TailTest, upper_bound
from edge_runtime.images import measure_image
from edge_runtime.model import ModelCard

EXAMINE_EVERY = 2
"""One frame out of this many is examined."""

BATCH = 8
"""Frames are examined so many at a time: the first brings the code into the caches that the model fills."""

PIXELS_EVERY = 4
"""The pixels of one batch out of this many are measured: it takes most of the time."""

ATTENTION = 0.06
"""From this fraction of the evidence for an alarm on the pixels of every batch are measured: two events.

A cause that shows in the pixels has to be found as soon as its consequence, the answer `unknown`.
"""

LAYOUT_EVERY = 4
"""One measured frame out of this many is compared with the scene."""

SETTLE = 10
"""Examined frames after an alarm until it is reported: a cause is often found just after its consequences."""

STATUS_EVERY = 32
"""Examined frames from one status to the next."""

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
        self._waiting: list[_Seen] = []
        self._frames = 0
        self._said: tuple[Change, ...] = ()
        self.status: DriftStatus | None = None

    def __call__(self, results: Iterator[Result | None]) -> Iterator[Result | None]:
        """The stage: every result passes through; None too."""
        for result in results:
            if result is not None:
                self._frames += 1
                if self._frames % EXAMINE_EVERY == 0 and result.pixels is not None:
                    # The frame itself may be large: it is not kept.
                    self._waiting.append(_Seen(result.pixels, result.predictions))
                    if len(self._waiting) == BATCH:
                        self._examine()
            yield result

    def _examine(self) -> None:
        card = self._card()
        if card is not self._watched:
            self._watched = card
            self._comparison = _Comparison(card) if card and card.reference else None
            self.status = None
            self._said = ()
        seen, self._waiting = self._waiting, []
        if self._comparison is None:
            return
        self._comparison.add(seen)
        if self._comparison.has_news:
            self.status = self._comparison.status()
            self._tell(self.status)

    def _tell(self, status: DriftStatus) -> None:
        """Say that there is drift, that there is a cause for it, or that it is over: each of them once."""
        if status.changes and rank(status.changes) < rank(self._said):
            self._said = status.changes
            self._say(f"drift: {status.message}")
        elif self._said and not status.changes:
            self._say(
                f"drift is over ({', '.join(self._said)}): the frames are like the held-out images again"
            )
            self._said = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What is kept of a frame until it is examined."""

    pixels: Image
    predictions: tuple[Prediction, ...]


class _Comparison:
    """The frames of one model beside its held-out images."""

    def __init__(self, card: ModelCard) -> None:
        self._unknown = card.unknown
        self._events = make_events(card)
        self._tests = {event.change: TailTest(event.usual) for event in self._events}
        self._layout = SceneLayout()
        self._tests[Change.MOVED] = TailTest(OTHER_SCENE)
        self._means = RunningMeans(("brightness", "contrast", "sharpness", "score", "unknown_fraction"))
        self._shares = RunningShares()
        reference = card.reference
        self._reference = (
            {name: each.mean for name, each in reference.statistics.items()} if reference else {}
        )
        self._reference_shares = dict(reference.shares) if reference else {}
        if self._unknown in self._reference_shares:
            self._reference["unknown_fraction"] = self._reference_shares[self._unknown]
        self._batches = 0
        self._examined = 0
        self._status_at = STATUS_EVERY
        self._changes: tuple[Change, ...] = ()

    @property
    def has_news(self) -> bool:
        """Whether it is time for another status."""
        return self._examined >= self._status_at

    def add(self, batch: Sequence[_Seen]) -> None:
        """Examine some frames."""
        self._batches += 1
        evidence = max(test.evidence for test in self._tests.values())
        measured = evidence >= ATTENTION or self._batches % PIXELS_EVERY == 0
        for number, seen in enumerate(batch, 1):
            self._examined += 1
            values = self._answer_values(seen)
            if measured:
                values |= _pixel_values(seen)
            self._means.add(values)
            for event in self._events:
                if event.number in values:
                    self._count(event.change, event.happens(values[event.number]))
            if measured and number % LAYOUT_EVERY == 0:
                self._count(Change.MOVED, self._layout.is_other_scene(seen.pixels))

    def _answer_values(self, seen: _Seen) -> dict[str, float]:
        answer = seen.predictions[0].label
        self._shares.add(answer)
        values = {"unknown_fraction": float(answer == self._unknown)}
        score = _class_score(seen.predictions, self._unknown)
        if score is not None:
            values["score"] = score
        return values

    def _count(self, change: Change, happened: bool) -> None:
        if self._tests[change].update(happened):
            self._status_at = self._examined + SETTLE

    def status(self) -> DriftStatus:
        """The state at this frame."""
        self._status_at = self._examined + STATUS_EVERY
        rates = {change: test.rate for change, test in self._tests.items() if test.drifted}
        unknown = self._tests.get(Change.NEW_KIND)
        changes = explain(rates, more_unknown=unknown is not None and unknown.suspects)
        running = self._means.values()
        return DriftStatus(
            changes=changes,
            message="; ".join(self._describe(change) for change in changes),
            running=running,
            reference={name: self._reference[name] for name in running if name in self._reference},
            shares=self._shares.values(),
            reference_shares=self._reference_shares,
        )

    def _describe(self, change: Change) -> str:
        if change is Change.MOVED:
            return f"{change}: the frames show {SCENE}"
        event = next(each for each in self._events if each.change is change)
        rate = self._tests[change].rate
        return f"{change}: {rate:.0%} of the frames {event.meaning}; of held-out images {event.usually}"


def _pixel_values(seen: _Seen) -> dict[str, float]:
    image = measure_image(seen.pixels)
    return {"brightness": image.brightness, "contrast": image.contrast, "sharpness": image.sharpness}


def _class_score(predictions: tuple[Prediction, ...], unknown: str) -> float | None:
    """The score of the best class among the classes alone, as in the reference; None where none is given."""
    best = next((each.score for each in predictions if each.label != unknown), None)
    rejected = next((each.score for each in predictions if each.label == unknown), 0.0)
    return best if best is None or rejected >= 1 else best / (1 - rejected)
