"""The model card, label files and the model file."""

from edge_runtime.model.card import GoldenSample, ModelCard
from edge_runtime.model.labels import format_labels, parse_labels, read_labels
from edge_runtime.model.model_file import (
    CARD_NAME,
    LABELS_NAME,
    MAX_FILE_BYTES,
    ModelFile,
    pack_model_file,
    parse_model_file,
    read_content,
    read_model_file,
)
from edge_runtime.model.rejection import QUANTILES, Distribution, Reference, Rejection
from edge_runtime.model.signature_block import join_signature, split_signature, with_zip

__all__ = [
    "CARD_NAME",
    "LABELS_NAME",
    "MAX_FILE_BYTES",
    "QUANTILES",
    "Distribution",
    "GoldenSample",
    "ModelCard",
    "ModelFile",
    "Reference",
    "Rejection",
    "format_labels",
    "join_signature",
    "pack_model_file",
    "parse_labels",
    "parse_model_file",
    "read_content",
    "read_labels",
    "read_model_file",
    "split_signature",
    "with_zip",
]
