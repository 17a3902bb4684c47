"""Quantization: calibration, ranges, equalization, bias correction, training, mixed precision, comparison."""

from converter.quantization.aware_training import train_for_int8
from converter.quantization.calibration import (
    DEFAULT_COUNT,
    CalibrationSet,
    check_calibration,
    check_held_out,
    choose_samples,
    read_calibration,
    read_fitted,
    representative_dataset,
)
from converter.quantization.comparison import (
    Agreement,
    Comparison,
    compare,
    converted_scores,
    float_scores,
    measure_agreement,
)
from converter.quantization.fitted_images import FittedImages
from converter.quantization.int8 import (
    Calibrated,
    Ranges,
    calibrate,
    correct,
    correct_dense_layers,
    equalize_channels,
    quantize,
    with_ranges,
)
from converter.quantization.layer_report import (
    LayerError,
    draw_layers,
    format_layers,
    measure_layers,
    worst_layers,
)
from converter.quantization.mixed_precision import KeptFloat, keep_worst_in_float, measure_cost
from converter.quantization.precisions import (
    Io,
    Precision,
    check_io,
    convert_precision,
    remove_rescaling,
    silence,
)
from converter.quantization.range_selection import Calibration, clip_ranges
from converter.quantization.rejection import (
    RejectionComparison,
    clipped_layers,
    compare_rejection,
    make_room_for_unknowns,
    mean_lead_error,
    rejection_tensors,
    shift_lead,
)

__all__ = [
    "DEFAULT_COUNT",
    "Agreement",
    "Calibrated",
    "Calibration",
    "CalibrationSet",
    "Comparison",
    "FittedImages",
    "Io",
    "KeptFloat",
    "LayerError",
    "Precision",
    "Ranges",
    "RejectionComparison",
    "calibrate",
    "check_calibration",
    "check_held_out",
    "check_io",
    "choose_samples",
    "clip_ranges",
    "clipped_layers",
    "compare",
    "compare_rejection",
    "convert_precision",
    "converted_scores",
    "correct",
    "correct_dense_layers",
    "draw_layers",
    "equalize_channels",
    "float_scores",
    "format_layers",
    "keep_worst_in_float",
    "make_room_for_unknowns",
    "mean_lead_error",
    "measure_agreement",
    "measure_cost",
    "measure_layers",
    "quantize",
    "read_calibration",
    "read_fitted",
    "rejection_tensors",
    "remove_rescaling",
    "representative_dataset",
    "shift_lead",
    "silence",
    "train_for_int8",
    "with_ranges",
    "worst_layers",
]
