"""Labelled images: a sample, a data set, and the hashes of their pixels."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.core import Image, Resize, Size
from edge_runtime.images import fit, pixels_needed, read_image

TRAIN, VALIDATION, REJECTION, TEST = "train", "validation", "rejection", "test"
SPLITS = (TRAIN, VALIDATION, REJECTION, TEST)

CROSS_VALIDATION = "cross-validation"
"""Training images, judged by models that were not trained on them: metrics have this name, no image has."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled image.

    Attributes:
        file: its path relative to the data set's root, or `x_train[12]` in an `.npz`.
        label: the class.
        split: `train`, `validation`, `rejection` or `test`; empty where the data set does not assign one.
        hash: `pixel_hash` of the image; empty until it has been read.
        group: images of one group are always in the same split; empty for a group of its own.
    """

    file: str
    label: str
    split: str = ""
    hash: str = ""
    group: str = ""


@dataclass(frozen=True)
class Dataset:
    """Labelled images that are read one at a time.

    Attributes:
        root: the folder or the `.npz`.
        labels: the classes, in natural order.
        samples: every image.
        load: a sample's file name, and how many pixels each side must keep → uint8 RGB, shape (height,
            width, 3); safe in several threads.
        unsupported: files in the class folders that are not images of a supported format.
    """

    root: Path
    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    load: Callable[[str, int], Image]
    unsupported: tuple[str, ...] = ()

    def read(self, file: str) -> Image:
        """An image at its full size, uint8 RGB, shape (height, width, 3).

        Raises:
            ImageError: it cannot be read.
        """
        return self.load(file, 0)

    def read_fitted(self, file: str, size: Size, mode: Resize) -> Image:
        """An image at a model's size, uint8 RGB, shape (*size, 3), as the device resizes it.

        Raises:
            ImageError: it cannot be read.
        """
        return fit(self.load(file, pixels_needed(size, mode)), size, mode)


def image_loader(root: Path) -> Callable[[str, int], Image]:
    """The `load` of a data set whose samples are files below a folder."""
    # With strings: joining two paths takes longer than opening the file.
    return lambda file, at_least: read_image(f"{root}/{file}", at_least=at_least)


def pixel_hash(image: Image) -> str:
    """A hash that two images share when every pixel is the same, whatever their files are."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def fingerprint(samples: Iterable[Sample]) -> str:
    """SHA-256 over the pixels, label and split of every image, whatever the files are called."""
    lines = sorted(f"{sample.hash} {sample.split} {sample.label}\n" for sample in samples)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
