"""Shards: Parquet files with one row for each file of the archive."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime.core import MissingLibraryError, write_file

COLUMNS = ("file", "answer", "labels", "scores", "error")
_NAME = re.compile(r"shard-(\d{7})\.parquet")


@dataclass(frozen=True, slots=True)
class Row:
    """One file.

    Attributes:
        file: its name, relative to the root of the archive.
        answer: a label, or `unknown`; empty where the image cannot be read.
        labels: of the predictions, best first.
        scores: in [0, 1].
        error: why the image cannot be read; empty where it can.
    """

    file: str
    answer: str
    labels: tuple[str, ...]
    scores: tuple[float, ...]
    error: str


@dataclass(frozen=True)
class Shard:
    """A shard that is not written yet.

    Attributes:
        number: of its chunk.
        files: how many rows it has.
        unreadable: how many of those are images that cannot be read.
        content: the bytes of the Parquet file.
    """

    number: int
    files: int
    unreadable: int
    content: bytes


def make_shard(number: int, rows: Sequence[Row], metadata: dict[str, str]) -> Shard:
    """The shard of a chunk's rows.

    Args:
        number: of the chunk.
        rows: one a file.
        metadata: of the Parquet file.
    """
    unreadable = sum(bool(row.error) for row in rows)
    return Shard(number, len(rows), unreadable, encode_shard(rows, metadata))


def encode_shard(rows: Sequence[Row], metadata: dict[str, str]) -> bytes:
    """Rows as the bytes of a Parquet file; names that are not UTF-8 have escapes in them.

    Args:
        rows: one a file.
        metadata: of the file.
    """
    pa = require_arrow()
    from pyarrow import parquet

    schema = pa.schema(
        [
            ("file", pa.string()),
            ("answer", pa.string()),
            ("labels", pa.list_(pa.string())),
            ("scores", pa.list_(pa.float32())),
            ("error", pa.string()),
        ],
        metadata=metadata,
    )
    columns = [
        [row.file.encode("utf-8", "backslashreplace").decode() for row in rows],
        [row.answer or None for row in rows],
        [list(row.labels) for row in rows],
        [list(row.scores) for row in rows],
        [row.error.encode("utf-8", "backslashreplace").decode() or None for row in rows],
    ]
    table = pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
    content = pa.BufferOutputStream()
    parquet.write_table(table, content, compression="zstd")
    return bytes(content.getvalue())


def shard_path(folder: Path, number: int) -> Path:
    """The file of a shard."""
    return folder / f"shard-{number:07}.parquet"


def write_shard(folder: Path, shard: Shard) -> None:
    """Write a shard durably: it is whole, or not there."""
    write_file(shard_path(folder, shard.number), shard.content)


def finished_shards(folder: Path) -> set[int]:
    """The numbers of the shards that are there."""
    found = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return {int(match.group(1)) for match in found if match}


def read_shards(folder: Path) -> Iterator[dict[str, Any]]:
    """Every row of an archive, as plain values with the keys of `COLUMNS`."""
    require_arrow()
    from pyarrow import parquet

    for number in sorted(finished_shards(folder)):
        yield from parquet.read_table(shard_path(folder, number)).to_pylist()


def require_arrow() -> Any:
    """The module pyarrow.

    Raises:
        MissingLibraryError: it is not installed.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise MissingLibraryError(
            f"--to parquet needs pyarrow ({error}): pip install 'edge-classify[archive]'"
        ) from error
    return pyarrow
