"""What an archive is made of: its files in chunks, and the manifest of what its answers depend on."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from edge_runtime.core import (
    CLOSED,
    OutputError,
    SourceError,
    from_json,
    read_file,
    sha256,
    to_json,
    write_file,
)
from edge_runtime.images import list_images

FORMAT = 1
CHUNK = 1000
"""Files of a shard: a SIGKILL loses at most the work on so many."""

MAX_LIST_BYTES = 4 * 1024**3
MAX_MANIFEST_BYTES = 16 * 1024**2


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What the answers of an archive depend on: `manifest.json`.

    Attributes:
        format: version of the format.
        root: the folder that the file names are relative to.
        model_sha256: of the model file.
        engine: that runs it.
        top_k: predictions of each image.
        threshold: smallest score of an answer.
        parts: how many files were found each time that the archive was begun or continued; no shard has files
            of two parts.
        files_sha256: of the list of files.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CLOSED

    format: int
    root: str
    model_sha256: str
    engine: str
    top_k: int
    threshold: float
    parts: tuple[int, ...]
    files_sha256: str


@dataclass(frozen=True)
class Chunk:
    """The files of one shard.

    Attributes:
        number: of the shard.
        files: relative to the root.
    """

    number: int
    files: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """All files of an archive.

    Attributes:
        manifest: with the number of files of each part.
        files: relative to the root.
    """

    manifest: Manifest
    files: tuple[str, ...]

    def chunks(self) -> Iterator[Chunk]:
        """The files in chunks, which are the same each time."""
        number, start = 0, 0
        for count in self.manifest.parts:
            for first in range(start, start + count, CHUNK):
                yield Chunk(number, self.files[first : min(first + CHUNK, start + count)])
                number += 1
            start += count


def find_files(source: Path) -> tuple[Path, tuple[str, ...]]:
    """The root and the files of an archive.

    Args:
        source: a folder, searched with all its subfolders, or a text file with one name a line, relative to
            its own folder.

    Raises:
        SourceError: there is none.
    """
    if source.is_dir():
        root = source.resolve()
        files = tuple(str(path.relative_to(source)) for path in list_images(source))
    elif source.is_file():
        root = source.resolve().parent
        content = read_file(source, max_bytes=MAX_LIST_BYTES, error=SourceError)
        # Only these end a line: a name may have spaces at its ends, and other separators in it.
        lines = content.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n")
        files = tuple(dict.fromkeys(line for line in lines if line))
    else:
        raise SourceError(f"{source}: no such folder or list of files")
    if not files:
        raise SourceError(f"{source}: no image in it; give a folder of images, or a list of their names")
    return root, files


class PlanFiles:
    """The two files that describe an archive.

    Args:
        folder: of the archive.
    """

    def __init__(self, folder: Path) -> None:
        self._manifest = folder / "manifest.json"
        self._list = folder / "files.txt"

    @property
    def exist(self) -> bool:
        """Whether an archive was begun here."""
        return self._manifest.exists()

    def write(self, plan: Plan) -> None:
        """Write both, the manifest last."""
        write_file(self._list, _format(plan.files))
        write_file(self._manifest, to_json(plan.manifest, indent=1) + "\n")

    def read(self) -> Plan:
        """Read both.

        Raises:
            OutputError: they are damaged, or do not belong together.
        """
        content = read_file(self._manifest, max_bytes=MAX_MANIFEST_BYTES, error=OutputError)
        manifest = from_json(content, Manifest, name=str(self._manifest), error=OutputError)
        listed = read_file(self._list, max_bytes=MAX_LIST_BYTES, error=OutputError)
        # A process that was killed between the two files leaves more lines than the manifest has files.
        lines = listed.splitlines(keepends=True)[: sum(manifest.parts)]
        if manifest.format != FORMAT or sha256(b"".join(lines)) != manifest.files_sha256:
            raise OutputError(
                f"{self._manifest} and {self._list.name} do not belong together, or are of another version: "
                "give another folder"
            )
        return Plan(manifest, tuple(str(json.loads(line)) for line in lines))


def begin(manifest: Manifest, files: tuple[str, ...]) -> Plan:
    """A plan of all files as one part."""
    return Plan(replace(manifest, parts=(len(files),), files_sha256=_hash(files)), files)


def extend(plan: Plan, found: Sequence[str]) -> Plan:
    """The plan with the files that were not there before as another part."""
    known = set(plan.files)
    new = tuple(name for name in found if name not in known)
    if not new:
        return plan
    files = plan.files + new
    manifest = replace(plan.manifest, parts=(*plan.manifest.parts, len(new)), files_sha256=_hash(files))
    return Plan(manifest, files)


def _hash(files: tuple[str, ...]) -> str:
    return sha256(_format(files).encode())


def _format(files: Sequence[str]) -> str:
    """One JSON string a line: a name may contain a line break, or bytes that are not UTF-8."""
    return "".join(f"{json.dumps(name)}\n" for name in files)
