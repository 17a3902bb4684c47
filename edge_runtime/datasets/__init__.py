"""Labelled images: layouts, the check before training, split files, and the format of a run."""

from edge_runtime.datasets.layouts import (
    BUILTIN_NAMES,
    builtin_path,
    open_dataset,
    open_reader,
    open_unlabelled,
)
from edge_runtime.datasets.run_format import Run, RunFiles, read_run
from edge_runtime.datasets.samples import (
    CROSS_VALIDATION,
    REJECTION,
    SPLITS,
    TEST,
    TRAIN,
    VALIDATION,
    Dataset,
    Sample,
    fingerprint,
    image_loader,
    pixel_hash,
)
from edge_runtime.datasets.scan import Look, Scan, scan_dataset
from edge_runtime.datasets.split_file import format_split, parse_split
from edge_runtime.datasets.synthetic_unknowns import make_extremes, make_unknowns

__all__ = [
    "BUILTIN_NAMES",
    "CROSS_VALIDATION",
    "REJECTION",
    "SPLITS",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Dataset",
    "Look",
    "Run",
    "RunFiles",
    "Sample",
    "Scan",
    "builtin_path",
    "fingerprint",
    "format_split",
    "image_loader",
    "make_extremes",
    "make_unknowns",
    "open_dataset",
    "open_reader",
    "open_unlabelled",
    "parse_split",
    "pixel_hash",
    "read_run",
    "scan_dataset",
]
