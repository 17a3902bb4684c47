"""Packaging of a model file: TFLite Metadata, provenance, bill of materials."""

from converter.packaging.bom import format_bom
from converter.packaging.metadata import Normalization, add_metadata
from converter.packaging.provenance import make_provenance

__all__ = ["Normalization", "add_metadata", "format_bom", "make_provenance"]
