"""`split.csv`: file, label, split, hash and group of every sample."""

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple

from edge_runtime.core import DatasetError
from edge_runtime.datasets.samples import SPLITS, Sample

_COLUMNS = ["file", "label", "split", "hash", "group"]
_WITHOUT_GROUPS = _COLUMNS[:-1]  # as earlier versions wrote it


def format_split(samples: Iterable[Sample]) -> bytes:
    """The content of `split.csv`; `parse_split` reads it back."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(astuple(sample) for sample in samples)
    # A file name may contain bytes that are not UTF-8: they are read back unchanged.
    return text.getvalue().encode("utf-8", "surrogateescape")


def parse_split(content: bytes, *, name: str = "split.csv") -> tuple[Sample, ...]:
    """Read what `format_split` wrote.

    Raises:
        DatasetError: not a split file.
    """
    rows = csv.reader(io.StringIO(content.decode("utf-8", "surrogateescape"), newline=""))
    try:
        header, *lines = list(rows)
        samples = tuple(Sample(*line) for line in lines if len(line) == len(header))
        if len(samples) != len(lines):
            raise ValueError("a line with another number of columns")
    except (csv.Error, ValueError, TypeError) as error:
        raise DatasetError(f"{name}: expected the columns {', '.join(_COLUMNS)} ({error})") from error
    if header not in (_COLUMNS, _WITHOUT_GROUPS) or any(sample.split not in SPLITS for sample in samples):
        raise DatasetError(f"{name}: expected the columns {', '.join(_COLUMNS)}, with split one of {SPLITS}")
    return samples
