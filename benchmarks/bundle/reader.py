"""Read a bundle from a stranger: with limits, into a folder of its own, and nothing in it is executed."""

import contextlib
import os
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.bundle.format import (
    MANIFEST,
    MAX_BYTES,
    MAX_DIRECTORY_BYTES,
    MAX_MANIFEST_BYTES,
    MAX_MEMBERS,
    SCORES,
    Manifest,
)
from benchmarks.measurement import EvaluationSet
from edge_runtime.core import ModelError, OutputError, Scores, Tick, from_json, no_tick, read_file, sha256
from edge_runtime.datasets import Dataset, Sample, image_loader

_DAMAGED = (
    zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError, struct.error,
)  # fmt: skip
_END = b"PK\5\6"
_END_BYTES = 22
_MAX_COMMENT = 65_535


@dataclass(frozen=True, eq=False)
class Bundle:
    """An open bundle.

    Attributes:
        name: how messages call it.
        manifest: what is in it.
        folder: where its files are, while it is open.
        scores: of the first Keras model, float32, shape (images, outputs); no outputs without one.
    """

    name: str
    manifest: Manifest
    folder: Path
    scores: Scores

    @property
    def images(self) -> EvaluationSet:
        """Its images."""
        manifest = self.manifest
        samples = tuple(
            Sample(image.file, manifest.classes[image.label], manifest.split, image.hash)
            for image in manifest.images
        )
        return EvaluationSet(
            dataset=Dataset(self.folder, manifest.classes, samples, image_loader(self.folder)),
            samples=samples,
            # Every image is a file: none is decoded before a target does it.
            at_least=0,
            split=manifest.split,
            targets=tuple(image.label for image in manifest.images),
        )

    @property
    def models(self) -> tuple[Path, ...]:
        """Its model files."""
        return tuple(sorted((self.folder / "models").glob("*.tflite")))

    @property
    def keras(self) -> tuple[Path, ...]:
        """Folders with a Keras model and its card."""
        return tuple(sorted(path.parent for path in (self.folder / "keras").glob("*/model.keras")))


@contextlib.contextmanager
def open_bundle(path: Path, tick: Tick = no_tick) -> Iterator[Bundle]:
    """Unpack a bundle into a temporary folder, for as long as it is open.

    Args:
        path: the bundle.
        tick: progress callback.

    Raises:
        ModelError: not a bundle, damaged, or with more than a bundle can have.
        OutputError: there is no room for its files.
    """
    with tempfile.TemporaryDirectory(prefix="edge-bundle-") as folder:
        yield _unpack(path, Path(folder), tick)


def _unpack(path: Path, folder: Path, tick: Tick) -> Bundle:
    _check_directory(path)
    with _open_zip(path) as archive:
        manifest = _read_manifest(archive, path)
        for number, (name, expected) in enumerate(manifest.members.items()):
            content = _read_member(archive, name, path)
            if sha256(content) != expected:
                raise ModelError(f"{path}: {name} is damaged; copy the bundle again")
            _write(folder / name, content)
            tick(number + 1, len(manifest.members))
    scores = np.frombuffer(read_file(folder / SCORES, max_bytes=MAX_BYTES, error=ModelError), np.uint8)
    if (
        len(scores) != 4 * len(manifest.images) * manifest.outputs
        or not np.isfinite(scores.view("<f4")).all()
    ):
        raise ModelError(f"{path}: its scores are not those of {len(manifest.images)} images")
    shape = (len(manifest.images), manifest.outputs)
    return Bundle(str(path), manifest, folder, scores.view("<f4").reshape(shape))


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except _DAMAGED as error:
        raise ModelError(f"{path}: not a bundle of edge-bench, or damaged ({error!s:.120})") from error


def _read_member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    try:
        return archive.read(name)
    except _DAMAGED as error:
        raise ModelError(f"{path}: {name} is damaged ({error!s:.120}); copy the bundle again") from error


def _check_directory(path: Path) -> None:
    """Refuse a zip by the record at its end, before its list of members is read into memory.

    Source: PKWARE's APPNOTE.TXT 6.3.10, section 4.3.16.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _END_BYTES - _MAX_COMMENT))
            tail = file.read()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    if size > MAX_BYTES:
        raise ModelError(f"{path}: {size} bytes; the largest bundle has {MAX_BYTES}")
    place = tail.rfind(_END)
    if place < 0 or place + _END_BYTES > len(tail):
        raise ModelError(
            f"{path}: not a bundle of edge-bench, or not complete: it has no end record of a zip"
        )
    members, directory_bytes = struct.unpack_from("<HI", tail, place + 10)
    if members > MAX_MEMBERS or directory_bytes > MAX_DIRECTORY_BYTES:
        raise ModelError(f"{path}: {members} files inside are more than a bundle can have")


def _read_manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    entries = archive.infolist()
    sizes = {entry.filename: entry.file_size for entry in entries}
    if MANIFEST not in sizes or sizes[MANIFEST] > MAX_MANIFEST_BYTES:
        raise ModelError(f"{path}: not a bundle of edge-bench: no {MANIFEST} in it, or one that is too large")
    # Stored members cannot be larger than the file: no bomb.
    if len(sizes) != len(entries) or len(entries) > MAX_MEMBERS or sum(sizes.values()) > MAX_BYTES:
        raise ModelError(f"{path}: files of the same name inside, or more than a bundle can have")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise ModelError(f"{path}: a file inside is compressed; those of a bundle are not")
    manifest = from_json(
        _read_member(archive, MANIFEST, path), Manifest, name=f"{path}: {MANIFEST}", error=ModelError
    )
    problem = manifest.problem()
    if not problem and set(manifest.members) != set(sizes) - {MANIFEST}:
        problem = "its files are not those that the manifest lists"
    if problem:
        raise ModelError(f"{path}: not a bundle of edge-bench: {problem}")
    return manifest


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise OutputError(f"cannot unpack the bundle into {path.parent}: {error.strerror}") from error
