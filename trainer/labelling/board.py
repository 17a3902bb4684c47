"""What there is to label, and what has been done: images by their number, under one lock."""

import hashlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.core import DatasetError, OutputError, UsageError, is_text, natural_key
from edge_runtime.images import is_image_name, list_images
from trainer.labelling.journal import Journal, Kind, Step

MAX_LABEL = 100


@dataclass(frozen=True)
class Item:
    """One image to label.

    Attributes:
        id: the same after every start, as long as the image is where it was.
        path: where it is.
        current: the class folder that it is in; empty in a collection.
        why: why it should be looked at.
    """

    id: str
    path: Path
    current: str = ""
    why: str = ""


@dataclass(frozen=True)
class Change:
    """What an action did.

    Attributes:
        ids: the images that were labelled, skipped, or wait again.
        problems: a line for each file that could not be moved.
    """

    ids: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class Board:
    """The images that wait for a label. Safe in several threads.

    Args:
        items: all of them.
        data: the folder of class folders.
        journal: of that folder.

    Attributes:
        version: counts the actions, so that a page knows whether it is up to date.
    """

    def __init__(self, items: Iterable[Item], data: Path, journal: Journal) -> None:
        self._data = data
        self._journal = journal
        self._lock = threading.RLock()
        self._items = {item.id: item for item in items}
        self._done: dict[str, str] = {}
        self._counts = _count_classes(data)
        self.version = 0

    @property
    def total(self) -> int:
        """The images to label, those that are done included."""
        return len(self._items)

    @property
    def done(self) -> int:
        """Images that were labelled or skipped since."""
        return len(self._done)

    @property
    def can_undo(self) -> bool:
        """Whether there is an action to take back."""
        return bool(self._journal.actions)

    def counts(self) -> dict[str, int]:
        """Class → number of images in its folder, in natural order."""
        with self._lock:
            return {name: self._counts[name] for name in sorted(self._counts, key=natural_key)}

    def pending(self) -> list[Item]:
        """The images that wait."""
        with self._lock:
            return [item for item in self._items.values() if item.id not in self._done]

    def path_of(self, key: str) -> Path | None:
        """Where an image is now."""
        with self._lock:
            item = self._items.get(key)
            target = self._done.get(key)
            return None if item is None else Path(target) if target else item.path

    def touch(self) -> None:
        """Let the pages look again: more is known of the images."""
        with self._lock:
            self.version += 1

    def discard(self, keys: Iterable[str]) -> None:
        """Leave out files that are no images."""
        with self._lock:
            for key in keys:
                self._items.pop(key, None)

    def add_class(self, label: str) -> None:
        """Make the folder of a new class.

        Raises:
            UsageError: the name cannot be one of a class folder.
            OutputError: it cannot be created.
        """
        with self._lock:
            check_label(label)
            try:
                (self._data / label).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"cannot create {self._data / label}: {error.strerror or error}") from error
            self._counts.setdefault(label, 0)
            self.version += 1

    def label(self, keys: Sequence[str], label: str) -> Change:
        """Move images into a class folder.

        Args:
            keys: ids of images; those that were labelled or skipped before, on another page, are left alone.
            label: the class; its folder is created.

        Raises:
            UsageError: the name cannot be one of a class folder.
            OutputError: the journal cannot be written.
        """
        with self._lock:
            check_label(label)
            taken: set[Path] = set()
            steps = []
            for item in self._waiting(keys):
                target = item.path
                if item.current != label:
                    target = _free_name(self._data / label / item.path.name, taken)
                    taken.add(target)
                steps.append(Step(str(item.path), str(target)))
            return self._perform(Kind.MOVE, steps)

    def skip(self, keys: Sequence[str]) -> Change:
        """Leave images where they are; they are not shown again unless asked for.

        Raises:
            OutputError: the journal cannot be written.
        """
        with self._lock:
            paths = [str(item.path) for item in self._waiting(keys)]
            return self._perform(Kind.SKIP, [Step(path, path) for path in paths])

    def undo(self) -> Change:
        """Take the last action back, also one of an earlier start.

        Raises:
            OutputError: the journal cannot be written.
        """
        with self._lock:
            undone = self._journal.undo()
            if undone is None:
                return Change()
            self.version += 1
            action, problems = undone
            return Change(tuple(map(self._restore, action.steps)), tuple(problems))

    def _perform(self, kind: Kind, steps: list[Step]) -> Change:
        if not steps:
            return Change()
        action, problems = self._journal.perform(kind, steps)
        for step in action.steps:
            self._done[make_id(step.source)] = step.target
            self._count(self._label_of(step.source), -1)
            self._count(self._label_of(step.target), 1)
        self.version += 1
        return Change(tuple(make_id(step.source) for step in action.steps), tuple(problems))

    def _restore(self, step: Step) -> str:
        key = make_id(step.target)
        current = self._label_of(step.target)
        if key not in self._items:
            self._items[key] = Item(key, Path(step.target), current)
        self._done.pop(key, None)
        self._count(self._label_of(step.source), -1)
        self._count(current, 1)
        return key

    def _label_of(self, path: str) -> str:
        inside = Path(path).parent
        return inside.name if inside.parent == self._data else ""

    def _waiting(self, keys: Sequence[str]) -> list[Item]:
        """The images that wait, each once."""
        return [
            self._items[key] for key in dict.fromkeys(keys) if key in self._items and key not in self._done
        ]

    def _count(self, label: str, by: int) -> None:
        if label:
            self._counts[label] = self._counts.get(label, 0) + by


def collect_items(sources: Sequence[Path], skipped: Iterable[str] = ()) -> list[Item]:
    """The images in some folders.

    Args:
        sources: collections, or any folders.
        skipped: paths that are left out.

    Raises:
        DatasetError: one is not a folder.
    """
    left_out = set(skipped)
    items: list[Item] = []
    for folder in sources:
        if not folder.is_dir():
            raise DatasetError(f"{folder}: expected a collection, or a folder with images; there is none")
        top = folder.resolve()
        # A link is left alone: what it leads to is not of this collection.
        inside = [path.relative_to(folder) for path in list_images(folder) if not path.is_symlink()]
        paths = [top / path for path in inside]
        items += [Item(make_id(str(path)), path) for path in paths if str(path) not in left_out]
    return items


def check_label(label: str) -> None:
    """Refuse a name that cannot be one of a class folder.

    Raises:
        UsageError: with the reason.
    """
    wrong = "/" in label or "\\" in label or label.startswith(".") or not label.isprintable()
    if wrong or not is_text(label) or not 0 < len(label.encode()) <= MAX_LABEL or label != label.strip():
        raise UsageError(
            f"a class is a name of 1 to {MAX_LABEL} bytes without / and without a dot at its start, "
            f"got {label!r:.120}"
        )


def make_id(path: str) -> str:
    """The id of the image at an absolute path."""
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _free_name(wanted: Path, taken: set[Path]) -> Path:
    path, number = wanted, 1
    while path in taken or path.exists():
        path = wanted.with_stem(f"{wanted.stem}-{number}")
        number += 1
    return path


def _count_classes(data: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    if data.is_dir():
        for child in data.iterdir():
            if child.is_dir() and not child.name.startswith("."):
                counts[child.name] = sum(is_image_name(path.name) for path in child.iterdir())
    return counts
