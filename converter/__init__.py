"""converter: a run → one model file. Workstation only; TensorFlow is imported when it converts."""

from converter.calibration import CalibrationSet, check_calibration, choose_samples
from converter.clipping import Calibration
from converter.comparison import Comparison, compare, float_scores
from converter.conversion import Conversion, ConvertOptions, convert
from converter.keep_float import KeptFloat
from converter.keras_file import load_keras_model
from converter.layers import LayerError
from converter.operators import Demands, Operator, read_demands
from converter.quantization import Io, Precision, Quantizer
from converter.run import Run, read_run
from converter.targets import Fit, Requirement, Target, check_fit

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
