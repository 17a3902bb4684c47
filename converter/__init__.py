"""converter: a run → one int8 model file. Workstation only; TensorFlow is imported when it converts."""

from converter.calibration import choose_samples
from converter.conversion import Conversion, convert, float_scores, quantize
from converter.keras_file import load_keras_model
from converter.run import Run, read_run

__all__ = [
    "Conversion",
    "Run",
    "choose_samples",
    "convert",
    "float_scores",
    "load_keras_model",
    "quantize",
    "read_run",
]
