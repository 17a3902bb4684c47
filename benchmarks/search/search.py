"""A search in steps: data → latencies → screening → fine-tuning and int8 → front and choice → files."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from benchmarks.report import Report
from benchmarks.search.candidates import Candidate, choose_probes, make_candidates, train_config
from benchmarks.search.choosing import choose, place
from benchmarks.search.config import SearchConfig
from benchmarks.search.probing import (
    count_all,
    estimate,
    latency_of,
    make_probes,
    read_device_report,
    time_models,
    write_probe_bundle,
)
from benchmarks.search.screening import Screening, promising
from benchmarks.search.tuning import tune
from benchmarks.search.types import SCHEMA, Budget, Estimate, Screened, Search, State, Trained
from edge_runtime.core import (
    DatasetError,
    GateError,
    OutputError,
    clock,
    from_json,
    lock_folder,
    make_folder,
    read_file,
    read_options,
    to_json,
    write_file,
)
from edge_runtime.datasets import REJECTION, TRAIN, VALIDATION
from trainer import Prepared, TrainingReporter
from trainer.data import Data, ImageLoader, prepare_data
from trainer.network import FeatureCache, build_network

MAX_STATE_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class SearchFiles:
    """The files of a search.

    Attributes:
        folder: the search.
    """

    folder: Path

    @property
    def config(self) -> Path:
        """The options that `--resume` reads."""
        return self.folder / "config.toml"

    @property
    def state(self) -> Path:
        """What has been done."""
        return self.folder / "state.json"

    @property
    def probes(self) -> Path:
        """Untrained model files."""
        return self.folder / "probes"

    @property
    def result(self) -> Path:
        """The result; written last."""
        return self.folder / "search.json"

    @property
    def page(self) -> Path:
        """The result for people."""
        return self.folder / "search.html"

    @property
    def model(self) -> Path:
        """The model file that was picked."""
        return self.folder / "model.tflite"

    def run_of(self, candidate: Candidate) -> Path:
        """The run of a candidate."""
        return self.folder / "runs" / candidate.name

    def model_of(self, candidate: Candidate) -> Path:
        """The model file of a candidate."""
        return self.folder / "models" / f"{candidate.name}.tflite"


@dataclass
class Stopwatch:
    """The seconds of each stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure one stage."""
        started = clock.now()
        yield
        self.seconds[name] = round(clock.now() - started, 3)


def write_probe_of(config: SearchConfig, path: Path, reporter: TrainingReporter) -> int:
    """Write the bundle of `--probe`; nothing is trained.

    Returns:
        How many models are in it.

    Raises:
        EdgeError: the data cannot be used, or a file cannot be written.
    """
    options = config.training_options()
    candidates = make_candidates(config)
    data = prepare_data(options, reporter)
    make_folder(path.parent)
    with lock_folder(make_folder(config.out)):
        probes = choose_probes(candidates)
        models = make_probes(SearchFiles(config.out).probes, probes, options, data, reporter)
        write_probe_bundle(path, models, data, reporter)
    return len(models)


def search(config: SearchConfig, reporter: TrainingReporter) -> Search:
    """Find the best small model within a budget, and write its run, its model file and the report.

    Args:
        config: the options.
        reporter: shows the progress.

    Raises:
        EdgeError: the data, the weights or a report cannot be used, or a file cannot be written.
        GateError: no candidate is within the budget.
        KeyboardInterrupt: interrupted; --resume continues.
    """
    with lock_folder(make_folder(config.out)):
        return _Searcher(config, reporter).run()


class _Searcher:
    """One search; each step keeps what it found in `state.json`."""

    def __init__(self, config: SearchConfig, reporter: TrainingReporter) -> None:
        self._config = config
        self._reporter = reporter
        self._files = SearchFiles(config.out)
        self._options = config.training_options()
        self._budget = Budget(config.max_ms, config.max_mb)
        self._watch = Stopwatch()
        self._features: dict[Candidate, FeatureCache] = {}

    def run(self) -> Search:
        config, reporter, files = self._config, self._reporter, self._files
        _open_folder(config, files)
        device, candidates = read_device_report(config), make_candidates(config)
        with self._watch.stage("data"):
            data = prepare_data(self._options, reporter)
        state = _read_state(config, files, data)
        # Weights that cannot be had are an error now, not after minutes of timing.
        first = train_config(config, self._options, candidates[0], files.run_of(candidates[0]))
        build_network(first, len(data.labels))
        write_file(files.config, config.to_toml())
        with self._watch.stage("latencies"):
            report = device or self._time_probes(candidates, data)
            costs = count_all(candidates, self._options, len(data.labels), reporter)
            estimates = estimate(costs, report)
        allowed = _within(estimates, self._budget)
        reporter.say(f"{len(allowed)} of {len(estimates)} candidates are within the budget")
        with self._watch.stage("screening"):
            state = self._screen([each.candidate for each in allowed], data, state)
        chosen = promising(_of(state.screened, allowed), config.fine_tune)
        _say_screened(chosen, reporter)
        with self._watch.stage("fine-tuning"):
            state = self._tune(chosen, {each.candidate: each for each in allowed}, data, state)
        trained = [each for each in state.trained if each.candidate in {c.candidate for c in chosen}]
        with self._watch.stage("measuring"):
            times = self._times(trained, estimates, data, measured_here=device is None)
        tuned = place(trained, times, self._budget)
        best, reason = choose(tuned, self._budget)
        found = Search(
            schema=SCHEMA,
            data=config.data,
            fingerprint=data.fingerprint,
            created=clock.timestamp(),
            machine=report.machine.name,
            budget=self._budget,
            images=_judged_images(data),
            cross_validated=data.is_cross_validated,
            estimates=estimates,
            screened=tuple(_of(state.screened, allowed)),
            tuned=tuned,
            chosen=best.name if best else "",
            reason=reason,
            seconds=self._watch.seconds,
        )
        self._write(found)
        if best is None:
            raise GateError(f"{reason}; the report is {files.page}")
        return found

    def _time_probes(self, candidates: Sequence[Candidate], data: Data) -> Report:
        probes = choose_probes(candidates)
        models = make_probes(self._files.probes, probes, self._options, data, self._reporter)
        return time_models(models, data, self._reporter)

    def _screen(self, candidates: Sequence[Candidate], data: Data, state: State) -> State:
        """Screen the candidates that have not been yet, those of one size after each other."""
        done = {each.candidate for each in state.screened}
        waiting = sorted((each for each in candidates if each not in done), key=_size)
        if not waiting:
            return state
        screening = Screening.prepare(data, self._config.seed)
        with self._reporter.fraction_bar("screening candidates") as advance:
            part = 1 / len(waiting)
            for each, prepared in self._prepared(waiting, data):
                config = train_config(self._config, self._options, each, self._files.run_of(each))
                found = screening.screen(each, config, prepared, lambda share: advance(share * part))
                self._features[each] = prepared.features
                state = dataclasses.replace(state, screened=(*state.screened, found))
                self._keep(state)
        return state

    def _tune(
        self,
        chosen: Sequence[Screened],
        estimates: Mapping[Candidate, Estimate],
        data: Data,
        state: State,
    ) -> State:
        """Train and convert the candidates that have not been yet."""
        done = {each.candidate for each in state.trained}
        waiting = sorted((each.candidate for each in chosen if each.candidate not in done), key=_size)
        # A training takes about as long as its network has operations.
        whole = sum(estimates[each].multiply_adds for each in waiting)
        with self._reporter.fraction_bar("fine-tuning candidates") as advance:
            advance(0.0)
            for number, (each, prepared) in enumerate(self._prepared(waiting, data), 1):
                self._reporter.say(f"fine-tuning {number} of {len(waiting)}: {each.text}")
                config = train_config(self._config, self._options, each, self._files.run_of(each))
                make_folder(self._files.model_of(each).parent)
                found = tune(each, config, self._files.model_of(each), prepared, self._reporter)
                state = dataclasses.replace(state, trained=(*state.trained, found))
                self._keep(state)
                advance(estimates[each].multiply_adds / whole)
        return state

    def _prepared(self, candidates: Sequence[Candidate], data: Data) -> Iterator[tuple[Candidate, Prepared]]:
        """Each candidate with what is known of the images: those of one size share the decoded ones."""
        for size, group in groupby(candidates, key=_size):
            loader = ImageLoader(data.dataset, (size, size), self._options.resize)
            for each in group:
                features = self._features.pop(each, None)
                yield each, Prepared(data, loader, features or FeatureCache(self._config.out))

    def _times(
        self, trained: Sequence[Trained], estimates: Sequence[Estimate], data: Data, *, measured_here: bool
    ) -> dict[str, float]:
        """The latency of each trained candidate: measured here in turns, or as estimated for the device."""
        if not measured_here:
            return {each.candidate.name: each.ms for each in estimates}
        models = [self._files.model_of(each.candidate) for each in trained]
        report = time_models(models, data, self._reporter)
        return {each.name: latency_of(each) for each in report.targets}

    def _keep(self, state: State) -> None:
        write_file(self._files.state, to_json(state, indent=1) + "\n")

    def _write(self, found: Search) -> None:
        from benchmarks.search.page import search_html

        files = self._files
        if found.winner is not None:
            model = files.model_of(found.winner.trained.candidate)
            write_file(files.model, read_file(model, max_bytes=1024**3, error=OutputError))
        else:
            files.model.unlink(missing_ok=True)
        write_file(files.page, search_html(found))
        write_file(files.result, found.to_json())


def _open_folder(config: SearchConfig, files: SearchFiles) -> None:
    """Refuse to mix two searches.

    Raises:
        OutputError: the folder has a search that is not to be replaced.
    """
    if config.overwrite:
        for path in (files.state, files.result, files.page, files.model, files.config):
            path.unlink(missing_ok=True)
    elif files.config.exists() and not config.resume:
        raise OutputError(
            f"{config.out} contains a search already: --resume continues it, --overwrite replaces it, or "
            "give another --out"
        )


def _read_state(config: SearchConfig, files: SearchFiles, data: Data) -> State:
    """What an interrupted search has done with the same data and options.

    Raises:
        OutputError: it had other options.
        DatasetError: it had other images.
    """
    if not files.config.exists():
        return State(data.fingerprint)
    options = read_options(files.config, SearchConfig, "edge-search")
    if not config.same_search(SearchConfig(**options)):
        raise OutputError(
            f"{config.out} has a search with another data set, --weights, --training or --seed: give the "
            "same, another --out, or --overwrite"
        )
    if not files.state.exists():
        return State(data.fingerprint)
    content = read_file(files.state, max_bytes=MAX_STATE_BYTES, error=OutputError)
    state = from_json(content, State, name=str(files.state), error=OutputError)
    if state.fingerprint != data.fingerprint:
        raise DatasetError(
            f"{config.data}: other images, or another split, than those of the search in {config.out}: give "
            "another --out, or --overwrite"
        )
    return state


def _size(candidate: Candidate) -> int:
    return candidate.image_size


def _within(estimates: Sequence[Estimate], budget: Budget) -> list[Estimate]:
    """The candidates within the budget.

    Raises:
        GateError: there is none.
    """
    allowed = [each for each in estimates if budget.allows(each.ms, each.mb)]
    if not allowed:
        fastest, smallest = min(e.ms for e in estimates), min(e.mb for e in estimates)
        raise GateError(
            f"no candidate is within {budget.text}: the fastest takes {fastest:.2f} ms, the smallest is "
            f"{smallest:.2f} MB; try a smaller --image-size, or a larger budget"
        )
    return allowed


def _of(screened: Sequence[Screened], allowed: Sequence[Estimate]) -> list[Screened]:
    candidates = {each.candidate for each in allowed}
    return [each for each in screened if each.candidate in candidates]


def _say_screened(chosen: Sequence[Screened], reporter: TrainingReporter) -> None:
    names = ", ".join(f"{each.candidate.text} ({each.accuracy:.3f})" for each in chosen)
    reporter.say(f"the most promising by a linear head on frozen features: {names}")


def _judged_images(data: Data) -> int:
    splits = (TRAIN,) if data.is_cross_validated else (VALIDATION, REJECTION)
    return sum(len(data.split(split)) for split in splits)
