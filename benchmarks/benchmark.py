"""From a run and its model files to a report."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.measurement.environment import describe_machine, library_versions, read_state, warnings
from benchmarks.measurement.evaluation_set import HeldOut, find_held_out
from benchmarks.measurement.timing import Plan, measure
from benchmarks.report import SCHEMA, Report, describe_targets, fingerprint
from benchmarks.targets.targets import Reader, TargetSpec, check_labels, plan_readers, plan_targets
from converter import Run, read_run
from edge_runtime.core import clock
from edge_runtime.core.progress import Reporter
from edge_runtime.inference.engine_registry import choose_engine


def benchmark(
    run: Path,
    models: Sequence[Path],
    *,
    data: str | None,
    engines: Sequence[str | None],
    threads: Sequence[int | None],
    readers: Sequence[Reader] = (),
    reader_python: Path | None = None,
    plan: Plan,
    raw: bool,
    reporter: Reporter,
    quiet: bool = True,
) -> tuple[Report, list[list[float]]]:
    """Measure model files beside the Keras model of the run that they came from.

    Args:
        run: the run.
        models: its model files.
        data: pictures to measure on; the run's own when None.
        engines: each model file is measured on each; None for the default.
        threads: and with each number of threads; None for the default.
        readers: and through each of these programs of others, which resize images in their own way.
        reader_python: the Python that has them installed; this one when None.
        plan: how long.
        raw: whether the report carries every single latency.
        reporter: shows the progress.
        quiet: whether what the libraries of the targets print goes nowhere.

    Returns:
        The report, and the single latencies of each target in milliseconds.

    Raises:
        ModelError: the run or a file cannot be used, or they do not belong together.
        UsageError: no engine of that name.
        MissingLibraryError: an engine is not installed.
        DatasetError: there are no held-out pictures.
    """
    source = read_run(run)
    for engine in engines:
        choose_engine(engine)
    for path in models:
        check_labels(path, source.card.labels, run)
    with reporter.bar("finding held-out pictures") as tick:
        pictures = find_held_out(source, data, tick=tick)
    reporter.say(f"{len(pictures.samples)} held-out pictures ({pictures.kind})")
    specs = plan_targets(run, models, engines, threads) + plan_readers(models, readers, reader_python)
    return measure_report(source, specs, pictures, plan, raw=raw, reporter=reporter, quiet=quiet)


def measure_report(
    run: Run,
    specs: Sequence[TargetSpec],
    pictures: HeldOut,
    plan: Plan,
    *,
    raw: bool = False,
    reporter: Reporter,
    quiet: bool = True,
) -> tuple[Report, list[list[float]]]:
    """Measure targets of a run; see `benchmark`.

    Args:
        run: the run.
        specs: the targets; the first is what the others are compared with.
        pictures: the pictures.
        plan: how long.
        raw: whether the report carries every single latency.
        reporter: shows the progress.
        quiet: whether what the libraries of the targets print goes nowhere.
    """
    machine, before = describe_machine(), read_state()
    measured = measure(specs, pictures, plan, reporter, quiet=quiet)
    after = read_state()
    report = Report(
        schema=SCHEMA,
        created=clock.timestamp(),
        run=run.folder.name,
        labels=list(run.card.labels),
        split=pictures.kind,
        pictures=len(pictures.samples),
        fingerprint=fingerprint(pictures),
        targets_of=list(pictures.targets),
        machine=machine,
        before=before,
        after=after,
        versions=library_versions(),
        warnings=warnings(before, after, machine.cores),
        yardstick=measured[-1].rounds,
        targets=describe_targets(measured, pictures, raw=raw),
    )
    return report, [[row[-1] for row in each.rows] for each in measured[:-1]]
