"""The stage of the pipeline that compares frames with the held-out images, in constant memory."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edge_runtime.core import Frame, Image, Prediction, Result, Say
from edge_runtime.drift.events import Change, explain, make_events, rank
from edge_runtime.drift.layout import LEARNED, SceneLayout
from edge_runtime.drift.running import RunningMeans, RunningShares
from edge_runtime.drift.sequential_test import TailTest, upper_bound
from edge_runtime.images import measure_image
from edge_runtime.model import ModelCard

BATCH = 64
"""Frames are examined so many at a time: the first brings the code into the caches that the model fills."""

SECONDS = 5.0
"""The frames of a slow camera are examined after so many seconds: there it takes no part of the time."""

KEPT_EVERY = 2
"""The pixels of one frame out of this many are kept until then."""

KEPT_BYTES = 2 << 20
"""So many bytes of pixels at most: large ones are examined in smaller batches."""

SCORES_EVERY = 4
"""The scores of one answer out of this many are examined."""

MEASURED_BATCHES = 4
"""In one batch out of this many, pixels are measured: it takes most of the time."""

MEASURED_EVERY = 4
"""There, one kept frame out of this many is measured."""

ATTENTION = 0.11
"""From this fraction of the evidence for an alarm on, all kept frames are measured: three events.

A cause that shows in the pixels has to be found as soon as its consequence, the answer `unknown`.
"""

LAYOUT_EVERY = 2
"""One measured frame out of this many is compared with the scene."""

SETTLE = 1
"""Batches after an alarm until it is reported: a cause is often found just after its consequences."""

EXPLAIN_EVERY = 8
"""Batches until the changes are explained again: their rates have changed."""

OTHER_SCENE = upper_bound(0.05, LEARNED)
SCENE = "another scene than the first frames"

Answer = tuple[Prediction, ...]
"""The predictions of a frame, best first."""

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
    """

    def __init__(self, card: Card, say: Say) -> None:
        self._card = card
        self._say = say
        self._watched: ModelCard | None = None
        self._comparison: _Comparison | None = None
        self._answers: list[Answer] = []
        self._kept: list[Image] = []
        self._examined_at = -math.inf
        self._said: tuple[Change, ...] = ()

    def __call__(self, results: Iterator[Result | None]) -> Iterator[Result | None]:
        """The stage: every result passes through; None too."""
        for result in results:
            if result is not None and result.pixels is not None:
                # The frame itself may be large: it is not kept.
                self._answers.append(result.predictions)
                if len(self._answers) % KEPT_EVERY == 0:
                    self._kept.append(result.pixels)
                    if self._is_due(result.frame, result.pixels):
                        self._examined_at = result.frame.captured_at
                        self._examine()
            yield result

    @property
    def status(self) -> DriftStatus | None:
        """How the last frames compare; None where there is no reference, or no frame has been examined."""
        return self._comparison.status() if self._comparison and self._comparison.batches else None

    def _is_due(self, frame: Frame, pixels: Image) -> bool:
        return (
            len(self._answers) >= BATCH
            or len(self._kept) * pixels.nbytes >= KEPT_BYTES
            or frame.captured_at - self._examined_at >= SECONDS
        )

    def _examine(self) -> None:
        answers, self._answers = self._answers, []
        kept, self._kept = self._kept, []
        card = self._card()
        if card is not self._watched:
            # Some of the answers may be those of the model before.
            self._watched = card
            self._comparison = _Comparison(card) if card and card.reference else None
            self._said = ()
        elif self._comparison is not None and self._comparison.add(answers, kept):
            self._tell(self._comparison.status())

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


class _Comparison:
    """The frames of one model beside its held-out images.

    Attributes:
        batches: of frames that have been examined.
    """

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
        self.batches = 0
        self._explain_at = EXPLAIN_EVERY
        self._changes: tuple[Change, ...] = ()
        self._message = ""
        self._status: DriftStatus | None = None

    def add(self, answers: Sequence[Answer], kept: Sequence[Image]) -> bool:
        """Examine some frames.

        Args:
            answers: of all of them.
            kept: the pixels of some of them, at the model's size.

        Returns:
            Whether the changes have been explained again.
        """
        self.batches += 1
        self._status = None
        self._add_answers(answers)
        if max([test.evidence for test in self._tests.values()]) >= ATTENTION:
            self._add_pixels(kept)
        elif self.batches % MEASURED_BATCHES == 0:
            self._add_pixels(kept[::MEASURED_EVERY])
        if self.batches < self._explain_at:
            return False
        self._explain()
        return True

    def _add_answers(self, answers: Sequence[Answer]) -> None:
        best = [predictions[0].label for predictions in answers]
        self._shares.add(best)
        self._add("unknown_fraction", [float(label == self._unknown) for label in best])
        scores = [_class_score(predictions, self._unknown) for predictions in answers[::SCORES_EVERY]]
        self._add("score", [score for score in scores if score is not None])

    def _add_pixels(self, images: Sequence[Image]) -> None:
        measured = [measure_image(image) for image in images]
        self._add("brightness", [each.brightness for each in measured])
        self._add("contrast", [each.contrast for each in measured])
        self._add("sharpness", [each.sharpness for each in measured])
        self._count(Change.MOVED, [self._layout.is_other_scene(image) for image in images[::LAYOUT_EVERY]])

    def _add(self, name: str, values: Sequence[float]) -> None:
        self._means.add(name, values)
        for event in self._events:
            if event.number == name:
                self._count(event.change, [event.happens(value) for value in values])

    def _count(self, change: Change, happened: Sequence[bool]) -> None:
        if self._tests[change].update(happened):
            self._explain_at = self.batches + SETTLE

    def _explain(self) -> None:
        self._explain_at = self.batches + EXPLAIN_EVERY
        rates = {change: test.rate for change, test in self._tests.items() if test.drifted}
        unknown = self._tests.get(Change.NEW_KIND)
        self._changes = explain(rates, more_unknown=unknown is not None and unknown.suspects)
        self._message = "; ".join(self._describe(change) for change in self._changes)

    def status(self) -> DriftStatus:
        """The running values at this frame, and the changes when they were explained last."""
        if self._status is None:
            running = self._means.values()
            self._status = DriftStatus(
                changes=self._changes,
                message=self._message,
                running=running,
                reference={name: self._reference[name] for name in running if name in self._reference},
                shares=self._shares.values(),
                reference_shares=self._reference_shares,
            )
        return self._status

    def _describe(self, change: Change) -> str:
        if change is Change.MOVED:
            return f"{change}: the frames show {SCENE}"
        event = next(each for each in self._events if each.change is change)
        rate = self._tests[change].rate
        return f"{change}: {rate:.0%} of the frames {event.meaning}; of held-out images {event.usually}"


def _class_score(predictions: Answer, unknown: str) -> float | None:
    """The score of the best class among the classes alone, as in the reference; None where none is given."""
    best, rejected = None, 0.0
    for each in predictions:
        if each.label == unknown:
            rejected = each.score
        elif best is None:
            best = each.score
    return best if best is None or rejected >= 1 else best / (1 - rejected)
