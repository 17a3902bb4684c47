"""The network: the classifier, cached features, BatchNormalization statistics, inspection."""

from trainer.network.activation_map import measure_activation
from trainer.network.batch_norm import BatchNormStatistics
from trainer.network.classifier import (
    ARCHITECTURE,
    Network,
    build_network,
    freeze,
    is_plain,
    rebuild_plain,
    set_linear_head,
)
from trainer.network.descriptors import extract_descriptors
from trainer.network.features import (
    CachedFeatures,
    cache_features,
    cache_training_features,
    extract_features,
    feature_copies,
)
from trainer.network.forward import Forward, batch_signature, build_forward
from trainer.network.inspection import inspect_base
from trainer.network.rejection_head import NegativeDetector, RejectionHead, add_rejection, read_logits
from trainer.network.warm_start import check_options, start_from

__all__ = [
    "ARCHITECTURE",
    "BatchNormStatistics",
    "CachedFeatures",
    "Forward",
    "NegativeDetector",
    "Network",
    "RejectionHead",
    "add_rejection",
    "batch_signature",
    "build_forward",
    "build_network",
    "cache_features",
    "cache_training_features",
    "check_options",
    "extract_descriptors",
    "extract_features",
    "feature_copies",
    "freeze",
    "inspect_base",
    "is_plain",
    "measure_activation",
    "read_logits",
    "rebuild_plain",
    "set_linear_head",
    "start_from",
]
