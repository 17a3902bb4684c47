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
    calibrate,
    compare,
    quantize,
)
from converter.record import format_conversion

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
    "calibrate",
    "check_fit",
    "compare",
    "convert",
    "format_conversion",
    "load_keras_model",
    "quantize",
    "read_demands",
]
