"""The provenance in a model file's card: hashes of its origin, options and versions."""

from converter.quantization import Calibration, CalibrationSet, Io, Precision
from edge_runtime.core import sha256, toolkit_versions
from edge_runtime.datasets import Run


def make_provenance(
    run: Run,
    model: bytes,
    *,
    precision: Precision,
    io: Io,
    method: Calibration,
    calibration: CalibrationSet,
) -> dict[str, str]:
    """What a model file was made from and how.

    Args:
        run: the run.
        model: the bytes of the `.tflite` with metadata, without labels and card.
        precision: of the model.
        io: type of its input and output.
        method: how the ranges were selected.
        calibration: the representative dataset.
    """
    return {
        **run.card.provenance,
        "data_fingerprint": run.card.data_fingerprint,
        "keras_sha256": sha256(run.files.model.read_bytes()),
        "tflite_sha256": sha256(model),
        "precision": str(precision),
        "io": str(io),
        "calibration": str(method),
        "calibration_sha256": calibration.sha256,
        **{f"converter {name}": version for name, version in toolkit_versions().items()},
    }
