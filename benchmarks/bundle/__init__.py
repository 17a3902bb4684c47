"""The bundle: held-out images and the Keras model's answers in one file, to benchmark without TensorFlow."""

from benchmarks.bundle.format import PROBE, BundledImage, Manifest
from benchmarks.bundle.reader import Bundle, open_bundle
from benchmarks.bundle.writer import BundledRun, write_bundle, write_probe

__all__ = [
    "PROBE",
    "Bundle",
    "BundledImage",
    "BundledRun",
    "Manifest",
    "open_bundle",
    "write_bundle",
    "write_probe",
]
