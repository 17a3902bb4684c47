"""Measure a run and its model files: from their paths to a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measurement import (
    EvaluationSet,
    ImageSet,
    TimingPlan,
    describe_machine,
    find_evaluation_set,
    find_unknowns,
    measure,
    read_state,
    warnings,
)
from benchmarks.report import SCHEMA, Report, describe_targets
from benchmarks.targets import Reader, TargetSpec, check_labels, plan_readers, plan_targets
from edge_runtime.core import Reporter, clock, toolkit_versions
from edge_runtime.datasets import Run, read_run
from edge_runtime.inference import choose_engine


@dataclass(frozen=True, kw_only=True)
class TargetOptions:
    """Which targets are measured beside the Keras model.

    Attributes:
        models: the run's model files.
        engines: each model file is measured on each; None for the default.
        threads: and with each number of threads; None for the default.
        readers: and in each of these other programs, which resize images in their own way.
        reader_python: the Python that has them installed; this one when None.
    """

    models: Sequence[Path]
    engines: Sequence[str | None] = (None,)
    threads: Sequence[int | None] = (None,)
    readers: Sequence[Reader] = ()
    reader_python: Path | None = None


def benchmark(
    run: Path,
    options: TargetOptions,
    *,
    data: str | None = None,
    unknowns: Path | None = None,
    plan: TimingPlan,
    raw: bool = False,
    reporter: Reporter,
    quiet: bool = True,
) -> tuple[Report, list[list[float]]]:
    """Measure model files beside the Keras model of their run.

    Args:
        run: the run.
        options: the targets.
        data: images to measure on; the run's own when None.
        unknowns: a folder of images of no class, to measure how they are rejected.
        plan: how long.
        raw: put every single latency into the report.
        reporter: shows the progress.
        quiet: discard what the libraries of the targets print.

    Returns:
        The report, and the single latencies of each target in milliseconds.

    Raises:
        ModelError: the run or a file cannot be used, or they do not belong together.
        UsageError: no engine of that name.
        MissingLibraryError: an engine is not installed.
        DatasetError: there are no held-out images.
    """
    source = read_run(run)
    for engine in options.engines:
        choose_engine(engine)
    for path in options.models:
        check_labels(path, source.card.labels, run)
    with reporter.bar("finding held-out images") as tick:
        images = find_evaluation_set(source, data, tick=tick)
    reporter.say(f"{len(images.samples)} held-out images ({images.split})")
    strangers = None
    if unknowns is not None:
        with reporter.bar("reading images of no class") as tick:
            strangers = find_unknowns(source, unknowns, images, tick=tick)
    specs = plan_targets(run, options.models, options.engines, options.threads)
    specs += plan_readers(options.models, options.readers, options.reader_python)
    return measure_report(
        source, specs, images, plan, unknowns=strangers, raw=raw, reporter=reporter, quiet=quiet
    )


def measure_report(
    run: Run,
    specs: Sequence[TargetSpec],
    images: EvaluationSet,
    plan: TimingPlan,
    *,
    unknowns: ImageSet | None = None,
    raw: bool = False,
    reporter: Reporter,
    quiet: bool = True,
) -> tuple[Report, list[list[float]]]:
    """Measure targets of a run; see `benchmark`.

    Args:
        run: the run.
        specs: the targets; the first is what the others are compared with.
        images: the images.
        plan: how long.
        unknowns: images of no class.
        raw: put every single latency into the report.
        reporter: shows the progress.
        quiet: discard what the libraries of the targets print.
    """
    machine, before = describe_machine(), read_state()
    measurements = measure(specs, images, plan, reporter, unknowns=unknowns, quiet=quiet)
    after = read_state()
    report = Report(
        schema=SCHEMA,
        created=clock.timestamp(),
        run=run.folder.name,
        labels=list(run.card.classes),
        split=images.split,
        images=len(images.samples),
        unknowns=len(unknowns.samples) if unknowns else 0,
        fingerprint=images.fingerprint,
        targets_of=list(images.targets),
        machine=machine,
        before=before,
        after=after,
        versions=toolkit_versions(),
        warnings=warnings(before, after, machine.cores),
        yardstick=measurements.yardstick.rounds,
        targets=describe_targets(measurements, images.targets, len(run.card.classes), raw=raw),
    )
    return report, [each.totals.tolist() for each in measurements.targets]
