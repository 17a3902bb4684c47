"""The check before anything heavy: every picture is decoded once, unreadable ones are named."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from edge_runtime import Dataset, DatasetError, ImageError, Sample
from edge_runtime.core.progress import Tick, no_tick
from edge_runtime.datasets.layouts import pixel_hash
from edge_runtime.images.codec import IMAGE_SUFFIXES

_KINDS = " ".join(sorted(IMAGE_SUFFIXES))


@dataclass(frozen=True)
class Scan:
    """What the check found.

    Attributes:
        samples: those that can be read, each with its hash.
        unreadable: one line for each file that cannot.
        contradictions: one line for each picture that stands under two labels.
    """

    samples: tuple[Sample, ...]
    unreadable: tuple[str, ...]
    contradictions: tuple[str, ...]


def scan_dataset(dataset: Dataset, *, strict: bool = False, tick: Tick = no_tick) -> Scan:
    """Decode every picture in worker threads and hash its pixels.

    Args:
        dataset: the pictures.
        strict: make the first unreadable picture an error.
        tick: is told of the progress.

    Raises:
        DatasetError: a picture is unreadable and `strict`, or a class has none that can be read.
    """
    samples: list[Sample] = []
    problems = [f"{file}: not a kind of picture that is read ({_KINDS})" for file in dataset.strange]
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        outcomes = workers.map(lambda sample: _examine(dataset, sample), dataset.samples)
        for done, (sample, problem) in enumerate(outcomes, 1):
            tick(done, len(dataset.samples))
            if problem:
                problems.append(problem)
            else:
                samples.append(sample)
    if strict and problems:
        raise DatasetError(
            f"{len(problems)} files cannot be read as pictures and --strict was given; first: {problems[0]}"
        )
    _check_classes(dataset, samples)
    return Scan(tuple(samples), tuple(problems), tuple(_contradictions(samples)))


def _examine(dataset: Dataset, sample: Sample) -> tuple[Sample, str]:
    try:
        return replace(sample, hash=pixel_hash(dataset.read(sample.file))), ""
    except ImageError as error:
        return sample, str(error)


def _check_classes(dataset: Dataset, samples: list[Sample]) -> None:
    readable = {sample.label for sample in samples}
    for label in dataset.labels:
        if label not in readable:
            raise DatasetError(f"{dataset.root}: no picture of the class {label!r} can be read")


def _contradictions(samples: list[Sample]) -> list[str]:
    first: dict[str, Sample] = {}
    lines: list[str] = []
    for sample in samples:
        other = first.setdefault(sample.hash, sample)
        if other.label != sample.label:
            lines.append(
                f"{sample.file} ({sample.label}) shows the same pixels as {other.file} ({other.label})"
            )
    return lines
