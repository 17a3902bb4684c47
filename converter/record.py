"""`conversion.json`: the options, the measurements and the origin of a conversion."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from converter.config import ConvertConfig
from converter.conversion import Conversion
from converter.quantization import Comparison
from edge_runtime.core import plain, sha256


def format_conversion(done: Conversion, config: ConvertConfig) -> str:
    """The record of a conversion as JSON; the same conversion gives the same text."""
    options = {field.name: plain(getattr(config, field.name)) for field in dataclasses.fields(config)}
    content: dict[str, Any] = {
        "model_sha256": sha256(done.content),
        "provenance": dict(done.card.provenance),
        "options": {name: value for name, value in options.items() if name not in ("run", "out", "data")},
        "size_bytes": {"keras": done.keras_bytes, "model": len(done.content)},
        "gate": {
            "max_drop": config.max_drop,
            "min_agreement": config.smallest_agreement,
            "passed": done.passed,
        },
        "held_out": {**dataclasses.asdict(done.comparison), "p_value": done.comparison.p_value},
        "splits": {split: dataclasses.asdict(each) for split, each in done.by_split.items()},
        "rejection": None if done.rejection is None else dataclasses.asdict(done.rejection),
        "kept_float": None if done.kept_float is None else dataclasses.asdict(done.kept_float),
        "target": {
            "name": str(done.fit.runtime),
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
            "images": [
                {"file": each.file, "label": each.label, "hash": each.hash}
                for each in done.calibration.samples
            ],
        },
        "layers": [dataclasses.asdict(each) for each in done.layers],
    }
    return json.dumps(content, indent=2) + "\n"


def worst_classes(comparison: Comparison, count: int) -> Sequence[str]:
    """The classes with the largest loss of accuracy, with the loss."""
    return [
        f"{label} {drop:+.3f}" for label, drop in list(comparison.class_drops.items())[:count] if drop > 0
    ]
