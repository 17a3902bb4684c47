"""The check before training: decode every image once, hash its pixels, name unreadable ones."""

import os
from dataclasses import dataclass, replace

from edge_runtime.core import DatasetError, Image, ImageError, Size, Tick, map_in_order, no_tick
from edge_runtime.datasets.samples import Dataset, Sample, pixel_hash
from edge_runtime.images import (
    IMAGE_SUFFIXES,
    ImageStatistics,
    fit,
    has_telling_hash,
    measure_image,
    perceptual_hash,
)

_KINDS = " ".join(sorted(IMAGE_SUFFIXES))


LOOK_SIZE = (224, 224)


@dataclass(frozen=True, slots=True)
class Look:
    """What an image looks like, in a few numbers.

    Attributes:
        size: (height, width) of the image in pixels.
        perceptual_hash: None for images too small to tell two images of one scene from two of one class, and
            for images without contrast.
        statistics: of the image at `LOOK_SIZE`.
    """

    size: Size
    perceptual_hash: int | None
    statistics: ImageStatistics


@dataclass(frozen=True)
class Scan:
    """The result of the check.

    Attributes:
        samples: those that can be read, each with its hash.
        unreadable: one line for each file that cannot.
        contradictions: one line for each image with two labels.
        looks: the look of each sample, in their order; empty where that was not asked for.
    """

    samples: tuple[Sample, ...]
    unreadable: tuple[str, ...]
    contradictions: tuple[str, ...]
    looks: tuple[Look, ...] = ()


def scan_dataset(
    dataset: Dataset, *, strict: bool = False, looks: bool = False, tick: Tick = no_tick
) -> Scan:
    """Decode every image in worker threads and hash its pixels.

    Args:
        dataset: the images.
        strict: refuse a data set with unreadable images.
        looks: measure what each image looks like.
        tick: progress callback.

    Raises:
        DatasetError: an image is unreadable and `strict`, or a class has no readable image.
    """
    samples: list[Sample] = []
    found: list[Look] = []
    problems = [f"{file}: not a supported image format ({_KINDS})" for file in dataset.unsupported]
    threads = os.cpu_count() or 1
    outcomes = map_in_order(
        lambda sample: _examine(dataset, sample, looks), dataset.samples, threads=threads, ahead=8 * threads
    )
    for done, outcome in enumerate(outcomes, 1):
        sample, look, problem = outcome.result()
        tick(done, len(dataset.samples))
        if problem:
            problems.append(problem)
        else:
            samples.append(sample)
            found += [look] if look else []
    if strict and problems:
        raise DatasetError(
            f"{len(problems)} files cannot be read as images and --strict was given; first: {problems[0]}"
        )
    _check_classes(dataset, samples)
    return Scan(tuple(samples), tuple(problems), tuple(_contradictions(samples)), tuple(found))


def _examine(dataset: Dataset, sample: Sample, looks: bool) -> tuple[Sample, Look | None, str]:
    try:
        image = dataset.read(sample.file)
    except ImageError as error:
        return sample, None, str(error)
    return replace(sample, hash=pixel_hash(image)), _look_at(image) if looks else None, ""


def _look_at(image: Image) -> Look:
    height, width = image.shape[:2]
    small = fit(image, LOOK_SIZE) if min(height, width) > LOOK_SIZE[0] else image
    hashed = perceptual_hash(small) if has_telling_hash(small) else None
    return Look((height, width), hashed, measure_image(small))


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
