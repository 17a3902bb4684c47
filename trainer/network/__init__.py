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
from trainer.network.feature_cache import FeatureCache
from trainer.network.features import (
    CachedFeatures,
    Statistics,
    extract_features,
    measure_pixels,
)
from trainer.network.forward import Forward, batch_signature, build_forward, chain
from trainer.network.inspection import inspect_base
from trainer.network.rejection_head import RejectionHead, add_rejection, read_logits
from trainer.network.teacher import Teacher, check_teacher, load_teacher
from trainer.network.trained import load_trained
from trainer.network.warm_start import check_options, start_from

__all__ = [
    "ARCHITECTURE",
    "BatchNormStatistics",
    "CachedFeatures",
    "FeatureCache",
    "Forward",
    "Network",
    "RejectionHead",
    "Statistics",
    "Teacher",
    "add_rejection",
    "batch_signature",
    "build_forward",
    "build_network",
    "chain",
    "check_options",
    "check_teacher",
    "extract_descriptors",
    "extract_features",
    "freeze",
    "inspect_base",
    "is_plain",
    "load_teacher",
    "load_trained",
    "measure_activation",
    "measure_pixels",
    "read_logits",
    "rebuild_plain",
    "set_linear_head",
    "start_from",
]
