"""What ties a model file to where it came from: hashes, versions, and `conversion.json`."""

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from edge_runtime.core.files import sha256
from edge_runtime.core.versions import installed_versions

if TYPE_CHECKING:
    from converter.conversion import Conversion, ConvertOptions

_PACKAGES = ("edge-classify", "tensorflow", "keras", "ai-edge-litert")


def library_versions() -> dict[str, str]:
    """The versions of what converts."""
    return installed_versions(*_PACKAGES)


def format_conversion(done: "Conversion", options: "ConvertOptions") -> str:
    """`conversion.json`: everything asked, measured and found; the same conversion, the same text."""
    content: dict[str, Any] = {
        "model_sha256": sha256(done.content),
        "provenance": dict(done.card.provenance),
        "options": {name: _plain(value) for name, value in dataclasses.asdict(options).items()},
        "size_bytes": {"keras": done.keras_bytes, "model": len(done.content)},
        "gate": {"max_drop": options.max_drop, "passed": done.passed},
        "held_out": {**dataclasses.asdict(done.comparison), "p_value": done.comparison.p_value},
        "splits": {split: dataclasses.asdict(each) for split, each in done.by_split.items()},
        "kept_float": None if done.kept_float is None else dataclasses.asdict(done.kept_float),
        "target": {
            "name": str(done.fit.target),
            "read_from": done.fit.read_from,
            "fits": done.fit.fits,
            "loaded_and_run": done.fit.ran,
            "problems": list(done.fit.problems),
            "operators": {
                each.operator.name: {"version": each.operator.version, "count": each.operator.count}
                for each in done.fit.requirements
            },
        },
        "calibration": {
            "method": str(done.method),
            "sha256": done.calibration.sha256,
            "pictures": [
                {"file": each.file, "label": each.label, "hash": each.hash}
                for each in done.calibration.samples
            ],
        },
        "layers": [dataclasses.asdict(each) for each in done.layers],
    }
    return json.dumps(content, indent=2) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [str(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)
