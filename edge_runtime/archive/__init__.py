"""Archives of millions of images: each is classified once into Parquet shards, here or on a cluster."""

from edge_runtime.archive.run import ArchiveOptions, ArchiveSummary, classify_archive
from edge_runtime.archive.shards import COLUMNS, read_shards

__all__ = ["COLUMNS", "ArchiveOptions", "ArchiveSummary", "classify_archive", "read_shards"]
