"""Make a bundle: measure the Keras models of runs, and put their answers and the images into one file."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.benchmark import find_images, measure_report, subject_of
from benchmarks.bundle import BundledRun, Manifest, write_bundle
from benchmarks.measurement import EvaluationSet, TimingPlan
from benchmarks.report import Report, TargetReport, read_report
from benchmarks.targets import check_labels, plan_keras
from edge_runtime.core import DatasetError, ModelError, Reporter, UsageError, toolkit_versions
from edge_runtime.datasets import Run, read_run

# Only the answers are needed: the times are those of a report.
_BRIEF = TimingPlan(num_runs=10, min_seconds=0.0, processes=1)


@dataclass(frozen=True, kw_only=True)
class BundleOptions:
    """What goes into a bundle.

    Attributes:
        runs: the runs; all hold out the same images of the same classes.
        models: model files of the runs to add.
        data: images to measure on; the first run's own when None.
        max_images: at most so many, spread over all of them; None for all.
        report: a report of `edge-bench run` on the same images, whose times of the Keras model are taken.
        with_keras: add the Keras models.
    """

    runs: Sequence[Path]
    models: Sequence[Path] = ()
    data: str | None = None
    max_images: int | None = None
    report: Path | None = None
    with_keras: bool = False


def make_bundle(path: Path, options: BundleOptions, plan: TimingPlan, reporter: Reporter) -> Manifest:
    """Measure the Keras models and write a bundle.

    Raises:
        ModelError: a run or a file cannot be used, or they do not belong together.
        DatasetError: no held-out images, or other ones for each run.
        OutputError: the bundle cannot be written.
    """
    runs = [read_run(folder) for folder in options.runs]
    if len({run.folder.name for run in runs}) < len(runs):
        raise UsageError("two runs have the same folder name: rename one")
    for model in options.models:
        check_labels(model, runs[0].card.classes, f"the run {runs[0].folder}")
    known = read_report(options.report) if options.report else None
    images = _common_images(runs, options, reporter)
    if known and known.fingerprint != images.fingerprint:
        raise ModelError(f"{options.report}: measured on other images than those of the bundle")
    bundled = []
    for run in runs:
        name = "keras" if len(runs) == 1 else f"keras {run.folder.name}"
        specs = plan_keras(run.folder, name)
        report, measurements = measure_report(
            subject_of(run, images),
            # Where the times are known, one way to run the model gives the answers.
            specs[:1] if known else specs,
            _BRIEF if known else plan,
            reporter=reporter,
        )
        if known:
            _check_same_model(known, report)
            targets = tuple(_carried(_find(known, each.name), known) for each in specs)
        else:
            targets = tuple(_carried(each, report) for each in report.targets)
        bundled.append(BundledRun(run=run, targets=targets, scores=measurements.targets[0].scores))
    versions = known.versions if known else toolkit_versions()
    with reporter.bar("writing the bundle") as tick:
        return write_bundle(
            path, bundled, images, options.models, versions, with_keras=options.with_keras, tick=tick
        )


def _common_images(runs: Sequence[Run], options: BundleOptions, reporter: Reporter) -> EvaluationSet:
    first = find_images(runs[0], options.data, reporter)
    for run in runs[1:]:
        if run.card.labels != runs[0].card.labels:
            raise ModelError(f"{run.folder}: other classes than {runs[0].folder}; make a bundle for each")
        if find_images(run, options.data, reporter).fingerprint != first.fingerprint:
            raise DatasetError(
                f"{run.folder}: holds out other images than {runs[0].folder}: make a bundle for each"
            )
    count = len(first.samples)
    if options.max_images is None or options.max_images >= count:
        return first
    chosen = np.linspace(0, count - 1, options.max_images).round().astype(int).tolist()
    return dataclasses.replace(
        first,
        samples=tuple(first.samples[number] for number in chosen),
        targets=tuple(first.targets[number] for number in chosen),
    )


def _check_same_model(known: Report, measured: Report) -> None:
    """Refuse a report that was measured with another model."""
    (target,) = measured.targets
    if _find(known, target.name).accuracy != target.accuracy:
        raise ModelError(f"{target.name}: the report was measured with another model than {measured.run}")


def _find(report: Report, name: str) -> TargetReport:
    target = report.target(name)
    if target is None:
        raise ModelError(f"the report has no target {name!r}; it has {[t.name for t in report.targets]}")
    return target


def _carried(target: TargetReport, report: Report) -> TargetReport:
    """A Keras model's row for another machine's report: with its machine, without what only holds here."""
    return dataclasses.replace(target, machine=report.machine_of(target), rounds=[], raw=None)
