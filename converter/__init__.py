"""converter: a run → one model file. Workstation only; TensorFlow is imported when it converts."""

from converter.compatibility import Demands, Fit, Operator, Requirement, Runtime, check_fit, read_demands
from converter.config import ConvertConfig
from converter.conversion import Conversion, convert
from converter.keras_file import load_keras_model
from converter.quantization import (
    Calibration,
    CalibrationSet,
    Comparison,
    Io,
    KeptFloat,
    LayerError,
    Precision,
    compare,
)

__all__ = [
    "Calibration",
    "CalibrationSet",
    "Comparison",
    "Conversion",
    "ConvertConfig",
    "Demands",
    "Fit",
    "Io",
    "KeptFloat",
    "LayerError",
    "Operator",
    "Precision",
    "Requirement",
    "Runtime",
    "check_fit",
    "compare",
    "convert",
    "load_keras_model",
    "read_demands",
]
