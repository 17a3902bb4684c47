"""Untrained model files: their latency is that of trained ones, and it is known before any training."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.benchmark import Subject, measure_report
from benchmarks.bundle import PROBE, write_probe
from benchmarks.measurement import EvaluationSet, TimingPlan
from benchmarks.report import Report, TargetReport, read_report
from benchmarks.search.candidates import Candidate
from benchmarks.search.config import SearchConfig
from benchmarks.search.costs import Costs, count_costs, fit_costs
from benchmarks.search.types import Estimate
from benchmarks.targets import plan_models
from converter import Io, calibrate, quantize
from converter.packaging import Normalization, add_metadata
from edge_runtime.core import ModelError, Reporter, toolkit_versions, write_file
from edge_runtime.datasets import TRAIN
from edge_runtime.model import ModelCard, pack_model_file, read_model_file
from trainer import TrainConfig
from trainer.data import Data, ImageLoader, make_batches
from trainer.evaluation import EvaluatedSplit, make_golden_samples
from trainer.network import ARCHITECTURE, build_forward, build_network

IMAGES = 16
"""Images that a probe is timed with."""

PLAN = TimingPlan(num_runs=120, min_seconds=3.0, processes=3)


def count_all(
    candidates: Sequence[Candidate], options: TrainConfig, classes: int, reporter: Reporter
) -> dict[Candidate, Costs]:
    """The costs of every candidate, counted from its network without weights."""
    costs = {}
    with reporter.bar("counting operations") as tick:
        for done, each in enumerate(candidates, 1):
            costs[each] = count_costs(_untrained(each, options, classes).model)
            tick(done, len(candidates))
    return costs


def make_probes(
    folder: Path, candidates: Sequence[Candidate], options: TrainConfig, data: Data, reporter: Reporter
) -> list[Path]:
    """Write untrained int8 model files; those of the same data that are there already stay.

    Args:
        folder: for the files.
        candidates: the networks.
        options: of the trainings.
        data: gives the classes and a few images.
        reporter: shows the progress.

    Raises:
        DatasetError: the images cannot be read any more.
        OutputError: the files cannot be written.
    """
    files = {each: folder / f"{each.name}.tflite" for each in candidates}
    with reporter.bar("making untrained models") as tick:
        for done, (each, path) in enumerate(files.items(), 1):
            if not _is_of(path, data):
                write_file(path, _untrained_file(each, options, data))
            tick(done, len(files))
    return list(files.values())


def write_probe_bundle(path: Path, models: Sequence[Path], data: Data, reporter: Reporter) -> None:
    """Write the bundle that times the models on a board.

    Raises:
        DatasetError: an image can no longer be read.
        OutputError: it cannot be written.
    """
    with reporter.bar("writing the bundle") as tick:
        write_probe(path, _images(data), data.labels, models, toolkit_versions(), tick)


def time_models(models: Sequence[Path], data: Data, reporter: Reporter) -> Report:
    """Time the models on this machine, as `edge-bench run` does it with a bundle on a board."""
    subject = Subject(name=PROBE, classes=data.labels, images=_images(data))
    specs = plan_models(models, (None,), (None,), data.labels)
    return measure_report(subject, specs, PLAN, reporter=reporter)[0]


def read_device_report(config: SearchConfig) -> Report | None:
    """The report of `--device`, if it is given.

    Raises:
        ModelError: it cannot be read, or has no model of `--probe`.
    """
    if config.device is None:
        return None
    report = read_report(config.device)
    if report.split != PROBE:
        raise ModelError(
            f"{config.device}: not measured with a bundle of edge-search --probe, but on {report.run}; "
            "write one, run edge-bench run with it on the device, and give that report"
        )
    return report


def estimate(costs: Mapping[Candidate, Costs], report: Report) -> tuple[Estimate, ...]:
    """Latency and size of every candidate: as measured where it was, predicted elsewhere.

    Args:
        costs: of every candidate.
        report: of the probes.

    Raises:
        ModelError: the report has no target that is a candidate.
    """
    by_name = {each.name: each for each in report.targets}
    measured = {
        costs[each]: (latency_of(by_name[each.name]), by_name[each.name].cost.size_bytes)
        for each in costs
        if each.name in by_name
    }
    if not measured:
        raise ModelError(
            f"the report has {', '.join(by_name)}, none of them a candidate: write the bundle of --probe "
            "with the same --alpha and --image-size"
        )
    model = fit_costs(measured)
    return tuple(
        Estimate(
            candidate=each,
            multiply_adds=cost.multiply_adds,
            ms=measured[cost][0] if cost in measured else model.milliseconds(cost),
            mb=(measured[cost][1] if cost in measured else model.file_bytes(cost)) / 1e6,
            measured=cost in measured,
        )
        for each, cost in costs.items()
    )


def latency_of(target: TargetReport) -> float:
    """The median over the rounds of the fastest image of each, in milliseconds.

    Other work of the machine only adds time: without it this is the median of all images.
    """
    return float(np.median(target.rounds)) if target.rounds else target.latency.p50


def _is_of(path: Path, data: Data) -> bool:
    """Whether a model file is there that was made with these images and classes."""
    if not path.is_file():
        return False
    try:
        card = read_model_file(path).card
    except ModelError:
        return False
    return card is not None and card.data_fingerprint == data.fingerprint


def _untrained(candidate: Candidate, options: TrainConfig, classes: int) -> Any:
    plain = dataclasses.replace(
        options, alpha=candidate.alpha, image_size=candidate.image_size, weights="none"
    )
    return build_network(plain, classes)


def _untrained_file(candidate: Candidate, options: TrainConfig, data: Data) -> bytes:
    """An int8 model file with random weights and golden samples, as large as a trained one.

    Two images are enough for some ranges of its activations.
    """
    classes = len(data.labels)
    network = _untrained(candidate, options, classes)
    size = (candidate.image_size, candidate.image_size)
    loader = ImageLoader(data.dataset, size, options.resize)
    batches = make_batches(loader, data.split(TRAIN), data.labels, options.batch_size)
    model = quantize(calibrate(network.model, [loader.load(each) for each in batches.samples[:2]], Io.UINT8))
    # As if every answer were right, so that there is a golden sample of each class.
    right = EvaluatedSplit(TRAIN, data.labels, batches, np.eye(classes, dtype=np.float32)[batches.targets])
    card = ModelCard(
        labels=data.labels,
        image_size=size,
        resize=options.resize,
        architecture=ARCHITECTURE,
        alpha=candidate.alpha,
        data_fingerprint=data.fingerprint,
        versions=toolkit_versions(),
        golden=make_golden_samples(build_forward(network.model), right, options.resize),
    )
    named = add_metadata(
        model, card, name=candidate.name, version=PROBE, normalization=Normalization(mean=0.0, std=1.0)
    )
    return pack_model_file(named, card)


def _images(data: Data) -> EvaluationSet:
    train = data.split(TRAIN)
    chosen = np.unique(np.linspace(0, len(train) - 1, IMAGES).round().astype(int)).tolist()
    samples = tuple(train[position] for position in chosen)
    index = {label: position for position, label in enumerate(data.labels)}
    return EvaluationSet(
        dataset=data.dataset,
        samples=samples,
        at_least=0,
        split=PROBE,
        targets=tuple(index[sample.label] for sample in samples),
    )
