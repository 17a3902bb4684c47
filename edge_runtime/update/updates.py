"""Update the model of a running classifier: fetch, verify, try, swap, watch, and roll back if it is worse.

At every moment the model file is complete and signed: it is replaced by rename, and the history says what
happens with it. A process that is killed anywhere continues there at its next start (`prepare`).
"""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from edge_runtime.core import (
    EdgeError,
    ModelError,
    OutputError,
    Result,
    Say,
    is_there,
    remove_temporaries,
    write_file,
)
from edge_runtime.inference import LoadedModel, check_self_test
from edge_runtime.model import ModelFile, join_signature, parse_model_file, read_model_file
from edge_runtime.trust import Origin, Trial, TrustedModels
from edge_runtime.update.remote import Remote
from edge_runtime.update.status import UpdateState, UpdateStatus
from edge_runtime.update.watch import Baseline, TrialWatch, Verdict

FIRST_SECONDS = 60.0
"""Longest time until the first request after the start."""

JITTER = 0.25
"""Each wait is longer or shorter by up to this fraction: many devices do not ask at one moment."""

MAX_STARTS = 3
"""A model on trial is rolled back when the process has started so often with it."""

Load = Callable[[ModelFile], LoadedModel]
"""Loads a model file beside the one that runs; raises `EdgeError`."""


class Updates:
    """Keeps the model file of a device up to date.

    Args:
        remote: where new model files come from.
        path: the model file; the one before is kept beside it, as `NAME.previous.tflite`.
        trusted: decides which models may run.
        say: shows a line that the user should know.
        every: seconds between two requests, roughly.
        trial: seconds for which a new model is watched.

    Attributes:
        status: for other threads; None before a model runs.
    """

    def __init__(
        self, remote: Remote, path: Path, trusted: TrustedModels, *, say: Say, every: float, trial: float
    ) -> None:
        self._remote = remote
        self._path = path
        self._previous = path.with_suffix(f".previous{path.suffix}")
        self._trusted = trusted
        self._say = say
        self._every = every
        self._trial_seconds = trial
        self._baseline = Baseline()
        self._watch: TrialWatch | None = None
        self._changes: tuple[str, ...] = ()
        self._complaint = ""
        self._running: Origin | None = None
        self._stop = threading.Event()
        self.status: UpdateStatus | None = None

    def prepare(self, load: Load) -> None:
        """Before the model is loaded: finish what a killed process began, and fetch a first model.

        Args:
            load: tries a first model. One that cannot be used is not kept: the next start asks again.

        Raises:
            EdgeError: there is no model file yet, and none can be had.
        """
        for each in (self._path, self._previous):
            remove_temporaries(each)
        if not is_there(self._path):
            content = self._remote.fetch() or b""
            self._try(self._parse(content), load)
            write_file(self._path, content)
            self._say(f"{self._path}: the first model was fetched")
            return
        history, model = self._trusted.history, read_model_file(self._path).sha256
        if history.trial and history.trial.sha256 == model:
            if history.trial.starts >= MAX_STARTS:
                self._roll_back(model, f"the process ended {MAX_STARTS} times with it")
            else:
                self._trusted.begin_trial(replace(history.trial, starts=history.trial.starts + 1))
        elif model in history.rejected:
            self._roll_back(model, "it was rolled back before")

    def start(self, current: Callable[[], LoadedModel], load: Load) -> None:
        """Ask for new models from now on, in a thread of its own."""
        arguments = (current, load)
        threading.Thread(target=self._poll_forever, args=arguments, name="update", daemon=True).start()

    def close(self) -> None:
        """Ask no more."""
        self._stop.set()

    def swapped(self, model: LoadedModel) -> None:
        """A model runs from now on: on trial, or accepted.

        Raises:
            EdgeError: the history cannot be written.
        """
        origin = self._running = self._trusted.check(model.file)
        trial = self._trusted.history.trial
        self._baseline = Baseline()
        available = self.status.available if self.status else origin.version
        if trial is not None and trial.sha256 == model.file.sha256:
            self._watch = TrialWatch(trial, self._trial_seconds)
            self.status = UpdateStatus(origin.version, origin.version, UpdateState.TRIAL)
            return
        self._watch = None
        self._trusted.accept(origin)
        rolled_back = self.status is not None and self.status.state is UpdateState.ROLLED_BACK
        state = UpdateState.ROLLED_BACK if rolled_back else UpdateState.CURRENT
        self.status = UpdateStatus(origin.version, available if rolled_back else origin.version, state)

    def watch(
        self, results: Iterator[Result | None], changes: Callable[[], Sequence[str]]
    ) -> Iterator[Result | None]:
        """The stage of the pipeline: counts unknown results, and judges a model on trial.

        Args:
            results: with their answers.
            changes: the drift that there is now.
        """
        for result in results:
            if result is not None:
                self._baseline.add(unknown=result.is_unknown)
                self._changes = tuple(changes())
                if self._watch is not None:
                    self._judge(self._watch, result)
            yield result

    def poll(self, current: LoadedModel, load: Load) -> None:
        """Ask once for a new model; a good one replaces the model file and is on trial.

        Args:
            current: the model that runs now.
            load: tries the new one beside it.

        Raises:
            EdgeError: there is none to be had, or it is refused.
        """
        content = self._remote.fetch()
        if content is None:
            return
        file = self._parse(content)
        if file.sha256 == current.file.sha256 or file.sha256 in self._trusted.history.rejected:
            return
        origin = self._try(file, load)
        unknown, results = self._baseline.seen
        write_file(self._previous, _whole(current.file))
        self._trusted.begin_trial(
            Trial(sha256=file.sha256, unknown=unknown, results=results, changes=self._changes)
        )
        write_file(self._path, content)
        self._say(
            f"update: {origin.name} {origin.version} was fetched and replaces the model; it is on trial for "
            f"{self._trial_seconds:.0f} s"
        )

    def _try(self, file: ModelFile, load: Load) -> Origin:
        """Whether a model may run, can be loaded, and computes what it should."""
        origin = self._trusted.check(file)
        model = load(file)
        check_self_test(model.file, model.classifier)
        return origin

    def _parse(self, content: bytes) -> ModelFile:
        # Messages must not take it for the file that runs.
        return parse_model_file(content, Path(f"new {self._path.name}"))

    def _poll_forever(self, current: Callable[[], LoadedModel], load: Load) -> None:
        wait = random.uniform(0, min(FIRST_SECONDS, self._every))  # noqa: S311 - not a secret
        while not self._stop.wait(wait):
            if self._watch is None:
                self._poll_once(current, load)
            wait = self._every * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - not a secret

    def _poll_once(self, current: Callable[[], LoadedModel], load: Load) -> None:
        try:
            self.poll(current(), load)
        except EdgeError as error:
            complaint = f"update: {error}; the model stays"
            if isinstance(error, OutputError):
                # A full disk says nothing about the model: it is fetched again.
                self._remote.forget()
        except Exception as error:  # noqa: BLE001 - whatever comes from outside, classification goes on
            complaint = f"update: {error!r:.200}; the model stays"
            if isinstance(error, (OSError, MemoryError)):
                # As little as a full disk does.
                self._remote.forget()
        else:
            complaint = ""
        # Once, not every hour for weeks.
        if complaint and complaint != self._complaint:
            self._say(complaint)
        self._complaint = complaint

    def _judge(self, watch: TrialWatch, result: Result) -> None:
        verdict = watch.add(unknown=result.is_unknown, changes=self._changes)
        if verdict is Verdict.OPEN:
            return
        self._watch = None
        try:
            if verdict is Verdict.FAILED:
                self._roll_back(watch.trial.sha256, watch.reason)
            else:
                self._pass()
        except EdgeError as error:
            self._say(f"update: {error}")

    def _pass(self) -> None:
        if self._running is not None and self.status is not None:
            self._trusted.accept(self._running)
            self.status = replace(self.status, state=UpdateState.CURRENT)
            self._say(f"update: {self._running.name} {self._running.version} has passed its trial")

    def _roll_back(self, model: str, reason: str) -> None:
        """Replace the model file by the one before it; the hot reload takes it."""
        before = read_model_file(self._previous)
        self._trusted.check(before)
        # First the history: a process that is killed between the two finishes this at its next start.
        self._trusted.reject(model)
        write_file(self._path, _whole(before))
        if self.status:
            self.status = replace(self.status, state=UpdateState.ROLLED_BACK)
        self._say(f"update: the new model is rolled back: {reason}; the one before runs again")


def _whole(file: ModelFile) -> bytes:
    """The bytes of a model file with its signature.

    Raises:
        ModelError: it has none.
    """
    if not file.signature:
        raise ModelError(f"{file.name}: not signed")
    return join_signature(file.content, file.signature)
