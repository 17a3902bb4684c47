"""Run a model: engines, input encoding, sandbox, thread tuning, loader, classifier, self-test."""

from edge_runtime.inference.classifier import Classifier
from edge_runtime.inference.delegate import Delegate
from edge_runtime.inference.engine_registry import (
    DISTRIBUTIONS,
    MODULES,
    choose_engine,
    engine_version,
    installed_engines,
)
from edge_runtime.inference.engines import Engine, open_engine
from edge_runtime.inference.feature_maps import FeatureMaps
from edge_runtime.inference.heatmap import ActivationMaps, Heatmaps
from edge_runtime.inference.input_encoding import (
    RAW,
    InputRange,
    Preprocessing,
    parse_input_range,
    pixel_table,
)
from edge_runtime.inference.lead import is_kept, lead_of_unknown
from edge_runtime.inference.loader import (
    LoadedModel,
    LoadOptions,
    build_classifier,
    load_classifier,
    load_model,
)
from edge_runtime.inference.openvino import OpenVinoEngine, compile_openvino
from edge_runtime.inference.output_kind import OutputKind
from edge_runtime.inference.sandbox import try_in_sandbox
from edge_runtime.inference.score_statistics import Separation, measure_separation, top_k_accuracy
from edge_runtime.inference.self_test import SelfTest, check_self_test, compare_golden, run_self_test
from edge_runtime.inference.tensors import TensorSpec

__all__ = [
    "DISTRIBUTIONS",
    "MODULES",
    "RAW",
    "ActivationMaps",
    "Classifier",
    "Delegate",
    "Engine",
    "FeatureMaps",
    "Heatmaps",
    "InputRange",
    "LoadOptions",
    "LoadedModel",
    "OpenVinoEngine",
    "OutputKind",
    "Preprocessing",
    "SelfTest",
    "Separation",
    "TensorSpec",
    "build_classifier",
    "check_self_test",
    "choose_engine",
    "compare_golden",
    "compile_openvino",
    "engine_version",
    "installed_engines",
    "is_kept",
    "lead_of_unknown",
    "load_classifier",
    "load_model",
    "measure_separation",
    "open_engine",
    "parse_input_range",
    "pixel_table",
    "run_self_test",
    "top_k_accuracy",
    "try_in_sandbox",
]
