"""The journal: an action is written down before files are moved, so a kill loses and doubles nothing.

A line without its `done` is finished when the journal is opened again. The folder of classes is the only
truth about labels; the journal is for the recovery, for undo and for what was skipped.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
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
from edge_runtime.images import is_image_name

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


class Journal:
    """The journal of one data folder, for one process at a time.

    A data folder may come from strangers, with its journal: what lies outside of the folders of this command
    is never moved by it.

    Args:
        data: the folder of class folders.
        sources: the folders that images are taken from.

    Attributes:
        actions: those that were not taken back, oldest first.
        problems: a line for each file that could not be moved when an interrupted action was finished.

    Raises:
        OutputError: it cannot be written.
    """

    def __init__(self, data: Path, sources: Iterable[Path] = ()) -> None:
        self._path = make_folder(data / FOLDER) / "journal.jsonl"
        self._folders = [folder.resolve() for folder in (data, *sources)]
        self._number = 0
        self.actions: list[Action] = []
        self.problems: list[str] = []
        unfinished: dict[int, Action] = {}
        for action in self._read():
            if action.done:
                unfinished.pop(action.done, None)
                continue
            self._number = max(self._number, action.number)
            unfinished[action.number] = action
            self._remember(action)
        for action in unfinished.values():
            outside = [step for step in action.steps if not self._is_ours(step)]
            if outside:
                # It stays unfinished, until its folder is named again.
                self.problems.append(f"{outside[0].source}: not in the folders of this command")
            else:
                self.problems += self._finish(action)[1]

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
        """Take the last action back; None where there is none.

        Raises:
            OutputError: it was done with a folder that this command does not name.
        """
        if not self.actions:
            return None
        last = self.actions[-1]
        if not all(map(self._is_ours, last.steps)):
            raise OutputError(
                f"{last.steps[0].source} is not in the folders of this command: name its folder to take "
                "it back"
            )
        self.actions.pop()
        back = [Step(step.target, step.source) for step in last.steps]
        return self.perform(Kind.UNDO, back, undone=last.number)

    def _is_ours(self, step: Step) -> bool:
        """Whether both ends of a step are images in the folders of this command, also behind links."""
        ends = [Path(step.source), Path(step.target)]
        return all(
            is_image_name(end)
            and any(end.parent.resolve().is_relative_to(folder) for folder in self._folders)
            for end in ends
        )

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
