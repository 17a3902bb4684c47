"""What TensorFlow Lite Metadata in a model of others says of its input: how pixels are scaled.

Layout: metadata_schema.fbs of TensorFlow Lite Support (file identifier M001); a file may be damaged.
"""

import math

from edge_runtime.core import ModelError
from edge_runtime.inference.graph import DAMAGED, Table, offset_at
from edge_runtime.inference.input_encoding import InputRange

_BUFFER_NAME = b"TFLITE_METADATA"
_IDENTIFIER = b"M001"
_NORMALIZATION_OPTIONS = 1

# Field numbers in schema.fbs and in metadata_schema.fbs.
_BUFFERS, _METADATA = 4, 6
_SUBGRAPHS, _INPUTS, _PROCESS_UNITS = 3, 2, 4


def read_normalization(content: bytes, *, name: str) -> InputRange | None:
    """The real numbers for pixels 0 and 255, from the NormalizationOptions of the first input.

    Args:
        content: the bytes of a `.tflite`.
        name: how messages call the file.

    Returns:
        (0 - mean) / std and (255 - mean) / std; None where the file says nothing.

    Raises:
        ModelError: the channels are scaled differently, or the numbers make no sense.
    """
    try:
        found = _find_normalization(content)
    except DAMAGED:
        return None
    if found is None:
        return None
    means, deviations = found
    if len({*means}) != 1 or len({*deviations}) != 1:
        raise ModelError(
            f"{name}: its metadata scales the channels differently (mean {means}, std {deviations}); give "
            "one range for all of them with --input-range LOW,HIGH"
        )
    mean, deviation = means[0], deviations[0]
    if not (math.isfinite(mean) and math.isfinite(deviation) and deviation > 0):
        raise ModelError(f"{name}: its metadata has the mean {mean} and the standard deviation {deviation}")
    return (0 - mean) / deviation, (255 - mean) / deviation


def _find_normalization(content: bytes) -> tuple[list[float], list[float]] | None:
    """Means and standard deviations, one for all channels or one for each."""
    model = Table(content, offset_at(content, 0))
    for entry in model.tables(_METADATA):
        if entry.octets(0) != _BUFFER_NAME:
            continue
        metadata = list(model.tables(_BUFFERS))[entry.number(1, "<I")].octets(0)
        if metadata[4:8] != _IDENTIFIER:
            return None
        root = Table(metadata, offset_at(metadata, 0))
        image = next(next(root.tables(_SUBGRAPHS)).tables(_INPUTS))
        for unit in image.tables(_PROCESS_UNITS):
            if unit.number(0, "<B") == _NORMALIZATION_OPTIONS:
                options = next(unit.table(1))
                means, deviations = options.floats(0), options.floats(1)
                return (means, deviations) if means and deviations else None
    return None
