"""The journal: an action is written down before files are moved, so a kill loses and doubles nothing.

A line without its `done` is finished when the journal is opened again. The folder of classes is the only
truth about labels; the journal is for the recovery, for undo and for what was skipped.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from edge_runtime.core import (
    OPEN,
    OutputError,
    from_json,
    make_folder,
    move_file,
    read_file,
    to_json,
)

FOLDER = ".edge-label"
_MAX_BYTES = 1024**3


class Kind(StrEnum):
    """What an action does."""

    MOVE = "move"
    SKIP = "skip"
    UNDO = "undo"


@dataclass(frozen=True)
class Step:
    """One image of an action.

    Attributes:
        source: where the image was, an absolute path.
        target: where it is moved to; the same place where it stays.
    """

    source: str
    target: str


@dataclass(frozen=True)
class Action:
    """What was done to some images at a time.

    Attributes:
        number: counts up.
        kind: what is done.
        steps: the images.
        undone: the number of the action that an undo takes back.
        done: the number of an action that is finished; such a line says nothing else.
    """

    __pydantic_config__: ClassVar[Any] = OPEN

    number: int = 0
    kind: Kind = Kind.MOVE
    steps: tuple[Step, ...] = ()
    undone: int = 0
    done: int = 0


@dataclass
class Journal:
    """The journal of one data folder, for one process at a time.

    Args:
        data: the folder of class folders.

    Attributes:
        actions: those that were not taken back, oldest first.
        problems: a line for each file that could not be moved when an interrupted action was finished.

    Raises:
        OutputError: it cannot be written.
    """

    data: Path
    actions: list[Action] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read the journal, and finish what was interrupted."""
        self._path = make_folder(self.data / FOLDER) / "journal.jsonl"
        self._number = 0
        unfinished: dict[int, Action] = {}
        for action in self._read():
            if action.done:
                unfinished.pop(action.done, None)
                continue
            self._number = max(self._number, action.number)
            unfinished[action.number] = action
            self._remember(action)
        self.problems = [line for action in unfinished.values() for line in self._finish(action)[1]]

    def perform(self, kind: Kind, steps: Iterable[Step], *, undone: int = 0) -> tuple[Action, list[str]]:
        """Write an action down, do it, and note that it is done.

        Returns:
            The action with the steps that were done, and a line for each file that could not be moved.

        Raises:
            OutputError: the journal cannot be written; no file was moved.
        """
        self._number += 1
        action = Action(self._number, kind, tuple(steps), undone)
        self._append(action, durable=True)
        done, problems = self._finish(action)
        if done.steps:
            self._remember(done)
        return done, problems

    def undo(self) -> tuple[Action, list[str]] | None:
        """Take the last action back; None where there is none."""
        if not self.actions:
            return None
        last = self.actions.pop()
        back = [Step(step.target, step.source) for step in last.steps]
        return self.perform(Kind.UNDO, back, undone=last.number)

    def _finish(self, action: Action) -> tuple[Action, list[str]]:
        done, problems = [], []
        for step in action.steps:
            try:
                if step.source != step.target:
                    move_file(Path(step.source), Path(step.target))
                done.append(step)
            except OutputError as error:
                problems.append(str(error))
        self._append(Action(done=action.number), durable=False)
        return replace(action, steps=tuple(done)), problems

    def _remember(self, action: Action) -> None:
        if action.kind is Kind.UNDO:
            self.actions = [each for each in self.actions if each.number != action.undone]
        else:
            self.actions.append(action)

    def _append(self, action: Action, *, durable: bool) -> None:
        text = json.dumps({"done": action.done}) if action.done else to_json(action)
        try:
            with self._path.open("ab") as file:
                # A line that a power cut left incomplete must not swallow this one.
                file.write(b"\n" + text.encode("utf-8", "surrogateescape") + b"\n")
                file.flush()
                if durable:
                    os.fsync(file.fileno())
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror or error}") from error

    def _read(self) -> list[Action]:
        if not self._path.exists():
            return []
        actions: list[Action] = []
        for line in read_file(self._path, max_bytes=_MAX_BYTES, error=OutputError).splitlines():
            if line.strip():
                try:
                    actions.append(from_json(line, Action, name=str(self._path), error=OutputError))
                except OutputError:
                    continue  # the end of a line that was never complete: its action did not begin
        return actions
