"""One run of `edge-classify` or `edge-collect`: options, stages, hot reload, worker pool, sinks, session."""

from edge_runtime.pipeline.collecting import collect
from edge_runtime.pipeline.config import ClassifyConfig, CollectConfig, Format
from edge_runtime.pipeline.hot_reload import HotReload
from edge_runtime.pipeline.loop import Observer, classify_frames
from edge_runtime.pipeline.session import Session, load_configured_model, trusted_models
from edge_runtime.pipeline.smoothing import Decision
from edge_runtime.pipeline.throttling import Throttle, every
from edge_runtime.pipeline.worker_pool import WorkerPool

__all__ = [
    "ClassifyConfig",
    "CollectConfig",
    "Decision",
    "Format",
    "HotReload",
    "Observer",
    "Session",
    "Throttle",
    "WorkerPool",
    "classify_frames",
    "collect",
    "every",
    "load_configured_model",
    "trusted_models",
]
