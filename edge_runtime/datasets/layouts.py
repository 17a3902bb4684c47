"""Open labelled images: a folder of class folders, split folders of them, or an `.npz` in MNIST's layout."""

import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.core import DatasetError, Image, ImageError, cache_folder, is_text, list_files, natural_key
from edge_runtime.datasets.samples import TEST, TRAIN, VALIDATION, Dataset, Sample, image_loader
from edge_runtime.images import is_image_name, list_images

BUILTIN_NAMES = ("digits", "mnist", "fashion_mnist", "cifar10")
MAX_ARRAY_BYTES = 16 * 1024**3

_SPLIT_FOLDERS = {
    "train": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
}


def open_dataset(data: str) -> Dataset:
    """Open a folder, an `.npz` or the name of a built-in data set in the cache.

    Raises:
        DatasetError: nothing there, no images, fewer than two classes, or a wrong layout.
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


def open_unlabelled(folder: Path, label: str) -> Dataset:
    """Open the images of a folder and of the folders in it, whatever their names, all with one label.

    Raises:
        DatasetError: there are no images.
    """
    samples = tuple(Sample(str(path.relative_to(folder)), label) for path in list_images(folder))
    if not samples:
        raise DatasetError(f"{folder}: expected a folder with images, found none")
    return Dataset(folder, (label,), samples, image_loader(folder))


def open_reader(data: str) -> Callable[[str, int], Image]:
    """Only what reads the images of a data set, by their names; a folder is not listed for it.

    Raises:
        DatasetError: see `open_dataset`.
    """
    path = Path(data)
    return image_loader(path) if path.is_dir() else open_dataset(data).load


def builtin_path(name: str) -> Path:
    """The file of a built-in data set in the cache."""
    return cache_folder("datasets") / f"{name}.npz"


def _open_folder(root: Path) -> Dataset:
    children = [child.name for child in _class_folders(root)]
    parts = {name: _SPLIT_FOLDERS[name.lower()] for name in children if name.lower() in _SPLIT_FOLDERS}
    presplit = TRAIN in parts.values() and len(parts) == len(children) and len(parts) > 1
    if VALIDATION not in parts.values():
        # With no validation folder of its own, the training folder is divided by the trainer, as in an .npz.
        parts = {name: "" if split == TRAIN else split for name, split in parts.items()}
    tops = {root / name: split for name, split in parts.items()} if presplit else {root: ""}
    samples: list[Sample] = []
    unsupported: list[str] = []
    for top, split in tops.items():
        for folder in _class_folders(top):
            inside = folder.relative_to(root)
            for name in list_files(folder):
                if is_image_name(name):
                    samples.append(Sample(f"{inside}/{name}", folder.name, split))
                else:
                    unsupported.append(f"{inside}/{name}")
    labels = sorted({folder.name for top in tops for folder in _class_folders(top)}, key=natural_key)
    for label in labels:
        if not is_text(label):
            raise DatasetError(f"{root}: the name of the class folder {label!r} is not UTF-8: rename it")
    _check_classes(root, labels, samples)
    return Dataset(root, tuple(labels), tuple(samples), image_loader(root), tuple(unsupported))


def _class_folders(top: Path) -> list[Path]:
    folders = (child for child in top.iterdir() if child.is_dir() and not child.name.startswith("."))
    return sorted(folders, key=lambda child: natural_key(child.name))


def _check_classes(root: Path, labels: list[str], samples: list[Sample]) -> None:
    if len(labels) < 2:
        raise DatasetError(f"{root}: expected two or more class folders with images, found {len(labels)}")
    counts = dict.fromkeys(labels, 0)
    for sample in samples:
        counts[sample.label] += 1
    empty = [label for label, count in counts.items() if not count]
    if empty:
        raise DatasetError(f"{root}: no images in the class folder {empty[0]!r} ({len(empty)} empty in all)")


def _open_arrays(path: Path) -> Dataset:
    arrays = _load_arrays(path)
    names = [str(name) for name in arrays["labels"]] if "labels" in arrays else None
    samples: list[Sample] = []
    arrays_by_name: dict[str, NDArray[np.uint8]] = {}
    for part, split in (("train", ""), ("val", VALIDATION), ("test", TEST)):
        if f"x_{part}" not in arrays:
            continue
        images, targets = arrays[f"x_{part}"], arrays.get(f"y_{part}")
        targets = _check_arrays(path, part, images, targets, names)
        arrays_by_name[f"x_{part}"] = images
        # With no validation part of its own, the training part is divided by the trainer.
        own = TRAIN if part == "train" and "x_val" in arrays else split
        samples += [
            Sample(f"x_{part}[{index}]", names[target] if names else str(target), own)
            for index, target in enumerate(targets.tolist())
        ]
    labels = names or sorted({sample.label for sample in samples}, key=natural_key)
    _check_classes(path, labels, samples)
    return Dataset(path, tuple(labels), tuple(samples), partial(_read_array, path, arrays_by_name))


def _load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    known = {f"{kind}_{part}" for kind in "xy" for part in ("train", "val", "test")} | {"labels"}
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_ARRAY_BYTES:
            raise DatasetError(f"{path}: {size} bytes unpacked, at most {MAX_ARRAY_BYTES} are read")
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files if name in known}
    except DatasetError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
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


def _read_array(path: Path, arrays: Mapping[str, NDArray[np.uint8]], file: str, _at_least: int) -> Image:
    part, _, index = file.removesuffix("]").partition("[")
    try:
        image: Image = arrays[part][int(index)]
    except (KeyError, ValueError, IndexError) as error:
        raise ImageError(f"{path}: there is no image {file}") from error
    if image.ndim == 2 or image.shape[2] == 1:
        return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    return image
