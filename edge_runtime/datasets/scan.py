"""The check before training: decode every image once, hash its pixels, name unreadable ones."""

import os
from dataclasses import dataclass, replace

from edge_runtime.core import DatasetError, ImageError, Tick, map_in_order, no_tick
from edge_runtime.datasets.samples import Dataset, Sample, pixel_hash
from edge_runtime.images import IMAGE_SUFFIXES

_KINDS = " ".join(sorted(IMAGE_SUFFIXES))


@dataclass(frozen=True)
class Scan:
    """The result of the check.

    Attributes:
        samples: those that can be read, each with its hash.
        unreadable: one line for each file that cannot.
        contradictions: one line for each image with two labels.
    """

    samples: tuple[Sample, ...]
    unreadable: tuple[str, ...]
    contradictions: tuple[str, ...]


def scan_dataset(dataset: Dataset, *, strict: bool = False, tick: Tick = no_tick) -> Scan:
    """Decode every image in worker threads and hash its pixels.

    Args:
        dataset: the images.
        strict: refuse a data set with unreadable images.
        tick: progress callback.

    Raises:
        DatasetError: an image is unreadable and `strict`, or a class has no readable image.
    """
    samples: list[Sample] = []
    problems = [f"{file}: not a supported image format ({_KINDS})" for file in dataset.unsupported]
    threads = os.cpu_count() or 1
    outcomes = map_in_order(
        lambda sample: _examine(dataset, sample), dataset.samples, threads=threads, ahead=8 * threads
    )
    for done, outcome in enumerate(outcomes, 1):
        sample, problem = outcome.result()
        tick(done, len(dataset.samples))
        if problem:
            problems.append(problem)
        else:
            samples.append(sample)
    if strict and problems:
        raise DatasetError(
            f"{len(problems)} files cannot be read as images and --strict was given; first: {problems[0]}"
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
            raise DatasetError(f"{dataset.root}: no image of the class {label!r} can be read")


def _contradictions(samples: list[Sample]) -> list[str]:
    first: dict[str, Sample] = {}
    lines: list[str] = []
    for sample in samples:
        other = first.setdefault(sample.hash, sample)
        if other.label != sample.label:
            lines.append(
                f"{sample.file} ({sample.label}) has the same pixels as {other.file} ({other.label})"
            )
    return lines
