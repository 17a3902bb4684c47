"""Write a bundle: the same images, runs, files and measurements give the same bytes."""

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.bundle.format import (
    FORMAT,
    MANIFEST,
    MAX_BYTES,
    MAX_IMAGES,
    PROBE,
    SCORES,
    BundledImage,
    Manifest,
    member_name,
)
from benchmarks.measurement import EvaluationSet
from benchmarks.report import TargetReport
from edge_runtime.core import (
    DatasetError,
    ModelError,
    OutputError,
    Scores,
    Tick,
    read_file,
    sha256,
    to_json,
    write_with,
)
from edge_runtime.datasets import Run
from edge_runtime.images import encode_png

# A fixed date, so that the same content gives the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)
_MAX_FILE = 1024**3


@dataclass(frozen=True, kw_only=True)
class BundledRun:
    """A run with its Keras model's measurements.

    Attributes:
        run: the run.
        targets: of the workstation, with the machine.
        scores: float32, shape (images, outputs).
    """

    run: Run
    targets: tuple[TargetReport, ...]
    scores: Scores


def write_bundle(
    path: Path,
    runs: Sequence[BundledRun],
    images: EvaluationSet,
    models: Sequence[Path],
    versions: dict[str, str],
    *,
    with_keras: bool,
    tick: Tick,
) -> Manifest:
    """Write a bundle durably.

    Args:
        path: the new file.
        runs: the runs; the scores of the first one's Keras model are what others are compared with.
        images: the held-out images.
        models: model files to add.
        versions: of the libraries that measured the Keras models.
        with_keras: add the Keras models.
        tick: progress callback.

    Raises:
        DatasetError: too many images, or one that can no longer be read.
        ModelError: two model files of one name.
        OutputError: it cannot be written, or would be larger than 4 GiB.
    """
    card = runs[0].run.card
    manifest = Manifest(
        format=FORMAT,
        runs=tuple(each.run.folder.name for each in runs),
        classes=card.classes,
        labels=card.labels,
        split=images.split,
        fingerprint=images.fingerprint,
        images=(),
        outputs=runs[0].scores.shape[1],
        targets=tuple(target for each in runs for target in each.targets),
        versions=versions,
        members={},
    )
    return _write(path, manifest, images, _others(runs, models, with_keras=with_keras), tick)


def write_probe(
    path: Path,
    images: EvaluationSet,
    classes: tuple[str, ...],
    models: Sequence[Path],
    versions: dict[str, str],
    tick: Tick,
) -> Manifest:
    """Write a bundle of untrained models, to time them on a board.

    Args:
        path: the new file.
        images: to time them with; their split is `PROBE`.
        classes: of the models.
        models: the model files.
        versions: of the libraries that made them.
        tick: progress callback.

    Raises:
        DatasetError: an image can no longer be read.
        OutputError: it cannot be written.
    """
    manifest = Manifest(
        format=FORMAT,
        runs=(PROBE,),
        classes=classes,
        labels=classes,
        split=PROBE,
        fingerprint=images.fingerprint,
        images=(),
        outputs=0,
        targets=(),
        versions=versions,
        members={},
    )
    return _write(path, manifest, images, [(SCORES, b""), *_model_files(models)], tick)


def _write(
    path: Path,
    manifest: Manifest,
    images: EvaluationSet,
    others: Iterable[tuple[str, bytes]],
    tick: Tick,
) -> Manifest:
    """Write the images, the other members and the manifest, to which the list of both is added."""
    if len(images.samples) > MAX_IMAGES:
        raise DatasetError(
            f"{len(images.samples)} images, a bundle holds {MAX_IMAGES}: take fewer with --max-images"
        )
    files = [f"images/{number:05}{_suffix(images, number)}" for number in range(len(images.samples))]
    bundled = tuple(
        BundledImage(file, target, sample.hash)
        for file, target, sample in zip(files, images.targets, images.samples, strict=True)
    )
    hashes: dict[str, str] = {}

    def write(temporary: Path) -> None:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:

            def add(name: str, content: bytes) -> None:
                hashes[name] = sha256(content)
                archive.writestr(zipfile.ZipInfo(name, _DATE), content)

            for number, file in enumerate(files):
                add(file, _image_content(images, number))
                tick(number + 1, len(files))
            for name, content in others:
                if name in hashes:
                    raise ModelError(f"two files would be called {name} in the bundle: rename one")
                add(name, content)
            whole = replace(manifest, images=bundled, members=hashes)
            archive.writestr(zipfile.ZipInfo(MANIFEST, _DATE), to_json(whole, indent=1).encode())
        if temporary.stat().st_size > MAX_BYTES:
            raise OutputError(f"{path}: larger than 4 GiB; take fewer images with --max-images")

    write_with(path, write)
    return replace(manifest, images=bundled, members=hashes)


def _others(
    runs: Sequence[BundledRun], models: Sequence[Path], *, with_keras: bool
) -> Iterator[tuple[str, bytes]]:
    """Name and content of every member that is not an image."""
    yield SCORES, np.ascontiguousarray(runs[0].scores, "<f4").tobytes()
    for each in runs:
        name = member_name(each.run.folder.name)
        card = read_file(each.run.files.card, max_bytes=_MAX_FILE, error=ModelError)
        yield f"cards/{name}.json", card
        if with_keras:
            yield f"keras/{name}/card.json", card
            model = read_file(each.run.files.model, max_bytes=_MAX_FILE, error=ModelError)
            yield f"keras/{name}/model.keras", model
    yield from _model_files(models)


def _model_files(models: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for path in models:
        name = f"models/{member_name(path.stem)}.tflite"
        yield name, read_file(path, max_bytes=_MAX_FILE, error=ModelError)


def _suffix(images: EvaluationSet, number: int) -> str:
    path = images.dataset.root / images.samples[number].file
    return path.suffix.lower() if path.is_file() else ".png"


def _image_content(images: EvaluationSet, number: int) -> bytes:
    path = images.dataset.root / images.samples[number].file
    if path.is_file():
        return read_file(path, max_bytes=_MAX_FILE, error=DatasetError)
    return encode_png(images.read(number))
