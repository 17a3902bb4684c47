"""Packaging of a model file: TFLite Metadata, provenance, bill of materials."""

from converter.packaging.bom import format_bom
from converter.packaging.huggingface import PAGE_NAME, format_hub_page
from converter.packaging.metadata import Normalization, add_metadata
from converter.packaging.provenance import make_provenance

__all__ = [
    "PAGE_NAME",
    "Normalization",
    "add_metadata",
    "format_bom",
    "format_hub_page",
    "make_provenance",
]
