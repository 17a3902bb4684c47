"""Labelled pictures: what the trainer trains on, the converter calibrates on and the benchmarks measure on.

Two shapes are read: a folder of class folders (with or without `train/`, `val/`, `test/` above them), and an
`.npz` in MNIST's layout. All pictures come through the device's own decoder.
"""

import csv
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core.errors import DatasetError, ImageError
from edge_runtime.core.files import cache_folder, is_text
from edge_runtime.core.types import Image, Resize, Size
from edge_runtime.images.codec import fit, is_image_name, list_files, natural_key, pixels_needed, read_image

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
BUILTIN_NAMES = ("digits", "mnist", "fashion_mnist", "cifar10")
MAX_ARRAY_BYTES = 16 * 1024**3

_SPLIT_FOLDERS = {
    "train": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
}
_COLUMNS = ["file", "label", "split", "hash"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled picture.

    Attributes:
        file: its path below the data set's root, or `x_train[12]` in an `.npz`.
        label: the class.
        split: `train`, `validation` or `test`; empty where the data set does not say.
        hash: `pixel_hash` of the picture; empty until it has been read.
    """

    file: str
    label: str
    split: str = ""
    hash: str = ""


@dataclass(frozen=True)
class Dataset:
    """Labelled pictures that are read one at a time.

    Attributes:
        root: the folder or the `.npz`.
        labels: the classes, in natural order.
        samples: every picture.
        load: a sample's file name, and how many pixels each side must keep → uint8 RGB, shape (height,
            width, 3); safe in several threads.
        strange: files between the pictures that are of no kind that is read.
    """

    root: Path
    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    load: Callable[[str, int], Image]
    strange: tuple[str, ...] = ()

    def read(self, file: str) -> Image:
        """A picture as it is, uint8 RGB, shape (height, width, 3).

        Raises:
            ImageError: it cannot be read.
        """
        return self.load(file, 0)

    def read_fitted(self, file: str, size: Size, mode: Resize) -> Image:
        """A picture at a model's size, uint8 RGB, shape (*size, 3): what the device would feed the model.

        Raises:
            ImageError: it cannot be read.
        """
        return fit(self.load(file, pixels_needed(size, mode)), size, mode)


def open_dataset(data: str) -> Dataset:
    """Open a folder, an `.npz` or a built-in name that has been fetched before.

    Raises:
        DatasetError: nothing there, no pictures, fewer than two classes, or a wrong layout.
    """
    path = builtin_path(data) if data in BUILTIN_NAMES else Path(data)
    if data in BUILTIN_NAMES and not path.is_file():
        raise DatasetError(
            f"the built-in data set {data} is not in {path.parent}: run `edge-train {data}` once"
        )
    if path.is_dir():
        return _open_folder(path)
    if path.suffix == ".npz" and path.is_file():
        return _open_arrays(path)
    raise DatasetError(
        f"{data}: expected a folder of class folders, an .npz with x_train and y_train, "
        f"or one of {', '.join(BUILTIN_NAMES)}"
    )


def builtin_path(name: str) -> Path:
    """Where a built-in data set is kept once it has been fetched."""
    return cache_folder("datasets") / f"{name}.npz"


def pixel_hash(image: Image) -> str:
    """A hash that two pictures share when every pixel is the same, whatever their files are."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def format_split(samples: Iterable[Sample]) -> bytes:
    """`split.csv`: file, label, split and hash of every sample; `parse_split` reads it back."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([sample.file, sample.label, sample.split, sample.hash] for sample in samples)
    # A file name may hold bytes that are no UTF-8: they come back as they were.
    return text.getvalue().encode("utf-8", "surrogateescape")


def parse_split(content: bytes, *, name: str = "split.csv") -> tuple[Sample, ...]:
    """Read what `format_split` wrote.

    Raises:
        DatasetError: not such a file.
    """
    rows = csv.reader(io.StringIO(content.decode("utf-8", "surrogateescape"), newline=""))
    try:
        header, *lines = list(rows)
        samples = tuple(Sample(*line) for line in lines)
    except (csv.Error, ValueError, TypeError) as error:
        raise DatasetError(f"{name}: expected the columns {', '.join(_COLUMNS)} ({error})") from error
    if header != _COLUMNS or any(sample.split not in SPLITS for sample in samples):
        raise DatasetError(f"{name}: expected the columns {', '.join(_COLUMNS)}, with split one of {SPLITS}")
    return samples


def _open_folder(root: Path) -> Dataset:
    children = [child.name for child in _class_folders(root)]
    parts = {name: _SPLIT_FOLDERS[name.lower()] for name in children if name.lower() in _SPLIT_FOLDERS}
    presplit = TRAIN in parts.values() and len(parts) == len(children) and len(parts) > 1
    tops = {root / name: split for name, split in parts.items()} if presplit else {root: ""}
    samples: list[Sample] = []
    strange: list[str] = []
    for top, split in tops.items():
        for folder in _class_folders(top):
            inside = folder.relative_to(root)
            for name in list_files(folder):
                if is_image_name(name):
                    samples.append(Sample(f"{inside}/{name}", folder.name, split))
                else:
                    strange.append(f"{inside}/{name}")
    labels = sorted({folder.name for top in tops for folder in _class_folders(top)}, key=natural_key)
    for label in labels:
        if not is_text(label):
            raise DatasetError(f"{root}: the name of the class folder {label!r} is not UTF-8: rename it")
    _check_classes(root, labels, samples)
    return Dataset(root, tuple(labels), tuple(samples), picture_loader(root), tuple(strange))


def picture_loader(root: Path) -> Callable[[str, int], Image]:
    """The `load` of a data set whose samples are files below a folder."""
    # With strings: to join two paths takes longer than to open the file.
    return lambda file, at_least: read_image(f"{root}/{file}", at_least=at_least)


def _class_folders(top: Path) -> list[Path]:
    folders = (child for child in top.iterdir() if child.is_dir() and not child.name.startswith("."))
    return sorted(folders, key=lambda child: natural_key(child.name))


def _check_classes(root: Path, labels: list[str], samples: list[Sample]) -> None:
    if len(labels) < 2:
        raise DatasetError(f"{root}: expected two or more class folders with pictures, found {len(labels)}")
    counts = dict.fromkeys(labels, 0)
    for sample in samples:
        counts[sample.label] += 1
    empty = [label for label, count in counts.items() if not count]
    if empty:
        raise DatasetError(
            f"{root}: no pictures in the class folder {empty[0]!r} ({len(empty)} empty in all)"
        )


def _open_arrays(path: Path) -> Dataset:
    arrays = _load_arrays(path)
    names = [str(name) for name in arrays["labels"]] if "labels" in arrays else None
    samples: list[Sample] = []
    pictures: dict[str, NDArray[np.uint8]] = {}
    for part, split in (("train", ""), ("val", VALIDATION), ("test", TEST)):
        if f"x_{part}" not in arrays:
            continue
        images, targets = arrays[f"x_{part}"], arrays.get(f"y_{part}")
        targets = _check_arrays(path, part, images, targets, names)
        pictures[f"x_{part}"] = images
        # With no validation part of its own, the training part is divided by the trainer.
        own = TRAIN if part == "train" and "x_val" in arrays else split
        samples += [
            Sample(f"x_{part}[{index}]", names[target] if names else str(target), own)
            for index, target in enumerate(targets.tolist())
        ]
    labels = names or sorted({sample.label for sample in samples}, key=natural_key)
    _check_classes(path, labels, samples)
    return Dataset(path, tuple(labels), tuple(samples), partial(_read_array, path, pictures))


def _load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    known = {f"{kind}_{part}" for kind in "xy" for part in ("train", "val", "test")} | {"labels"}
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_ARRAY_BYTES:
            raise DatasetError(f"{path}: {size} bytes unpacked, at most {MAX_ARRAY_BYTES} are read")
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files if name in known}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f"{path}: cannot be read as .npz ({error})") from error
    if "x_train" not in arrays and "x_test" not in arrays:
        raise DatasetError(f"{path}: expected arrays named x_train and y_train (x_test, y_test)")
    return arrays


def _check_arrays(
    path: Path, part: str, images: NDArray[Any], targets: NDArray[Any] | None, names: list[str] | None
) -> NDArray[np.int64]:
    grey = images.ndim == 3
    if images.dtype != np.uint8 or not (grey or (images.ndim == 4 and images.shape[3] in (1, 3))):
        raise DatasetError(
            f"{path}: x_{part} must be uint8 of shape (n, height, width) or (n, height, width, 1 or 3), "
            f"got {images.dtype} {images.shape}"
        )
    if targets is None or targets.size != len(images) or targets.dtype.kind not in "iu":
        came = "nothing" if targets is None else f"{targets.dtype} {targets.shape}"
        raise DatasetError(f"{path}: y_{part} must be {len(images)} whole numbers, got {came}")
    flat = targets.reshape(-1).astype(np.int64)
    if flat.size and (flat.min() < 0 or (names is not None and flat.max() >= len(names))):
        raise DatasetError(f"{path}: y_{part} holds a class outside of the labels")
    return flat


def _read_array(path: Path, pictures: dict[str, NDArray[np.uint8]], file: str, _at_least: int) -> Image:
    part, _, index = file.removesuffix("]").partition("[")
    try:
        image: Image = pictures[part][int(index)]
    except (KeyError, ValueError, IndexError) as error:
        raise ImageError(f"{path}: there is no picture {file}") from error
    if image.ndim == 2 or image.shape[2] == 1:
        return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    return image
