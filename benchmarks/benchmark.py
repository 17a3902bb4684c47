"""Measure model files beside the Keras model of their run, or beside its measurements in a bundle."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bundle import PROBE, Bundle
from benchmarks.corruption import CorruptedImages, choose_images
from benchmarks.measurement import (
    EvaluationSet,
    ImageSet,
    Measurements,
    TimingPlan,
    describe_machine,
    find_evaluation_set,
    find_unknowns,
    measure,
    read_state,
    warnings,
)
from benchmarks.report import SCHEMA, Report, TargetReport, describe_targets
from benchmarks.targets import Reader, TargetSpec, check_labels, plan_keras, plan_models, plan_readers
from edge_runtime.core import ModelError, Reporter, Scores, UsageError, clock, toolkit_versions
from edge_runtime.datasets import TRAIN, Run, read_run
from edge_runtime.inference import choose_engine
from edge_runtime.model import ModelCard, read_model_file


@dataclass(frozen=True, kw_only=True)
class TargetOptions:
    """Which targets are measured.

    Attributes:
        models: model files of the run; with a bundle, those inside it when there are none.
        engines: each model file is measured on each; None for the default.
        threads: and with each number of threads; None for the default.
        readers: and in each of these other programs, which resize images in their own way.
        reader_python: the Python that has them installed; this one when None.
        keras: with a bundle, measure the Keras model that it contains here too.
    """

    models: Sequence[Path]
    engines: Sequence[str | None] = (None,)
    threads: Sequence[int | None] = (None,)
    readers: Sequence[Reader] = ()
    reader_python: Path | None = None
    keras: bool = False


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is measured on which images.

    Attributes:
        name: of the run.
        classes: the labels without the one for images of no class.
        images: to measure on.
        unknowns: images of no class; None for none.
        corrupted: images that are corrupted; None for none.
        carried: measurements of another machine that become the first targets of the report.
        reference: scores of the first of them; None where the first measured target is the reference.
    """

    name: str
    classes: tuple[str, ...]
    images: EvaluationSet
    unknowns: ImageSet | None = None
    corrupted: CorruptedImages | None = None
    carried: tuple[TargetReport, ...] = ()
    reference: "Scores | None" = None


def subject_of(run: Run, images: EvaluationSet, unknowns: ImageSet | None = None) -> Subject:
    """A run's models on some images."""
    return Subject(name=run.folder.name, classes=run.card.classes, images=images, unknowns=unknowns)


def benchmark(
    run: Path,
    options: TargetOptions,
    *,
    data: str | None = None,
    unknowns: Path | None = None,
    corruptions: bool = False,
    plan: TimingPlan,
    raw: bool = False,
    reporter: Reporter,
    quiet: bool = True,
) -> Report:
    """Measure model files beside the Keras model of their run.

    Args:
        run: the run.
        options: the targets.
        data: images to measure on; the run's own when None.
        unknowns: a folder of images of no class, to measure how they are rejected.
        corruptions: measure the accuracy on corrupted images too.
        plan: how long.
        raw: put every single latency into the report.
        reporter: shows the progress.
        quiet: discard what the libraries of the targets print.

    Raises:
        ModelError: the run or a file cannot be used, or they do not belong together.
        UsageError: no engine of that name, or no model file.
        MissingLibraryError: an engine is not installed.
        DatasetError: there are no held-out images.
    """
    source = read_run(run)
    _check_models(options, source.card.classes, f"the run {run}", reporter)
    images = find_images(source, data, reporter)
    strangers = None
    if unknowns is not None:
        with reporter.bar("reading images of no class") as tick:
            strangers = find_unknowns(source, unknowns, images, tick=tick)
    specs = [*plan_keras(run), *_plan(options, source.card.classes)]
    subject = subject_of(source, images, strangers)
    if corruptions:
        subject = _with_corruptions(subject, source.card)
    return measure_report(subject, specs, plan, raw=raw, reporter=reporter, quiet=quiet)[0]


def benchmark_bundle(
    bundle: Bundle,
    options: TargetOptions,
    *,
    corruptions: bool = False,
    plan: TimingPlan,
    raw: bool = False,
    reporter: Reporter,
    quiet: bool = True,
) -> Report:
    """Measure model files beside the Keras model's measurements in a bundle; needs no TensorFlow.

    Args:
        bundle: an open bundle.
        options: the targets.
        corruptions: measure the accuracy on corrupted images too.
        plan: how long.
        raw: put every single latency into the report.
        reporter: shows the progress.
        quiet: discard what the libraries of the targets print.

    Raises:
        ModelError: a file cannot be used, or is of another run.
        UsageError: no engine of that name, no model file, or no Keras model to measure.
        MissingLibraryError: an engine, or TensorFlow for the Keras model, is not installed.
    """
    options = dataclasses.replace(options, models=options.models or bundle.models)
    _check_models(options, bundle.manifest.classes, bundle.name, reporter)
    specs, carried, reference = (
        _plan(options, bundle.manifest.classes),
        bundle.manifest.targets,
        bundle.scores,
    )
    if options.keras:
        if not bundle.keras:
            raise UsageError(
                f"{bundle.name}: no Keras model inside; make it with edge-bench bundle --with-keras"
            )
        specs = [*plan_keras(bundle.keras[0]), *specs]
        carried = tuple(dataclasses.replace(each, name=f"{each.name} (bundle)") for each in carried)
    card = read_model_file(options.models[0]).card
    if corruptions and card is None:
        raise ModelError(f"{options.models[0]}: --corruptions needs the model card inside, there is none")
    subject = Subject(
        name=bundle.manifest.runs[0],
        classes=bundle.manifest.classes,
        images=bundle.images,
        carried=carried,
        reference=None if options.keras or not carried else reference,
    )
    if corruptions and card is not None:
        subject = _with_corruptions(subject, card)
    return measure_report(subject, specs, plan, raw=raw, reporter=reporter, quiet=quiet)[0]


def measure_report(
    subject: Subject,
    specs: Sequence[TargetSpec],
    plan: TimingPlan,
    *,
    raw: bool = False,
    reporter: Reporter,
    quiet: bool = True,
) -> tuple[Report, Measurements]:
    """Measure targets; see `benchmark`.

    Args:
        subject: the images and what is known already.
        specs: the targets; the first is what the others are compared with, unless there is a reference.
        plan: how long.
        raw: put every single latency into the report.
        reporter: shows the progress.
        quiet: discard what the libraries of the targets print.
    """
    images, unknowns, corrupted = subject.images, subject.unknowns, subject.corrupted
    machine, before = describe_machine(), read_state()
    measurements = measure(specs, images, plan, reporter, unknowns=unknowns, corrupted=corrupted, quiet=quiet)
    after = read_state()
    described = describe_targets(
        measurements.targets,
        images.targets,
        len(subject.classes),
        reference=subject.reference,
        raw=raw,
        corrupted=corrupted.targets if corrupted else (),
    )
    # What everything is compared with comes first.
    targets = [*described, *subject.carried] if subject.reference is None else [*subject.carried, *described]
    report = Report(
        schema=SCHEMA,
        created=clock.timestamp(),
        run=subject.name,
        labels=list(subject.classes),
        split=images.split,
        images=len(images.samples),
        unknowns=len(unknowns.samples) if unknowns else 0,
        corrupted=len(corrupted.targets) if corrupted else 0,
        fingerprint=images.fingerprint,
        targets_of=list(images.targets),
        machine=machine,
        before=before,
        after=after,
        energy_meter=measurements.energy_meter,
        versions=toolkit_versions(),
        warnings=[
            *_doubts_about_accuracy(images),
            *warnings(before, after, machine.cores, emulated=machine.emulated),
        ],
        yardstick=measurements.yardstick.rounds,
        targets=targets,
    )
    return report, measurements


def _with_corruptions(subject: Subject, card: ModelCard) -> Subject:
    images = subject.images
    chosen = choose_images(images.read, images.targets, card.image_size, card.resize)
    return dataclasses.replace(subject, corrupted=chosen)


def find_images(run: Run, data: str | None, reporter: Reporter) -> EvaluationSet:
    """The held-out images of a run; see `find_evaluation_set`."""
    with reporter.bar("finding held-out images") as tick:
        images = find_evaluation_set(run, data, tick=tick)
    reporter.say_each("note", _doubts_about_accuracy(images))
    if images.split != TRAIN:
        reporter.say(f"{len(images.samples)} held-out images ({images.split})")
    return images


def _doubts_about_accuracy(images: EvaluationSet) -> list[str]:
    """A line if the accuracies say little of new images."""
    if images.split == PROBE:
        return ["the models are not trained: only their times and sizes count"]
    if images.split != TRAIN:
        return []
    return [
        f"the models were trained on these {len(images.samples)} images, none were held out: expect less "
        "accuracy on new ones, or give others with --data"
    ]


def _check_models(options: TargetOptions, classes: tuple[str, ...], origin: str, reporter: Reporter) -> None:
    if not options.models:
        raise UsageError("name one or more model files: edge-bench run RUN MODEL.tflite")
    for engine in options.engines:
        choose_engine(engine)
    for path in options.models:
        missing = check_labels(path, classes, origin)
        if missing:
            names = ", ".join(missing)
            reporter.say(f"{path}: it does not have {names}: images of these classes count as wrong")


def _plan(options: TargetOptions, classes: tuple[str, ...]) -> list[TargetSpec]:
    """Every model file on every engine with every number of threads, and in every other program."""
    models = plan_models(options.models, options.engines, options.threads, classes)
    return [*models, *plan_readers(options.models, options.readers, options.reader_python)]
