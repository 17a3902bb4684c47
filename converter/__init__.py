"""converter: a run → one model file. Workstation only; TensorFlow is imported when it converts."""

from converter.compatibility.operators import Demands, Operator, read_demands
from converter.compatibility.runtime_check import Fit, Requirement, Target, check_fit
from converter.conversion import Conversion, ConvertOptions, convert
from converter.keras_file import load_keras_model
from converter.quantization.calibration import CalibrationSet, check_calibration, choose_samples
from converter.quantization.comparison import Comparison, compare, float_scores
from converter.quantization.layer_report import LayerError
from converter.quantization.mixed_precision import KeptFloat
from converter.quantization.quantizer import Io, Precision, Quantizer
from converter.quantization.range_selection import Calibration
from edge_runtime.datasets.run_format import Run, read_run

__all__ = [
    "Calibration",
    "CalibrationSet",
    "Comparison",
    "Conversion",
    "ConvertOptions",
    "Demands",
    "Fit",
    "Io",
    "KeptFloat",
    "LayerError",
    "Operator",
    "Precision",
    "Quantizer",
    "Requirement",
    "Run",
    "Target",
    "check_calibration",
    "check_fit",
    "choose_samples",
    "compare",
    "convert",
    "float_scores",
    "load_keras_model",
    "read_demands",
    "read_run",
]
