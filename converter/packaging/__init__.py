"""Packaging of a model file: TFLite Metadata and provenance."""

from converter.packaging.metadata import Normalization, add_metadata
from converter.packaging.provenance import make_provenance

__all__ = ["Normalization", "add_metadata", "make_provenance"]
