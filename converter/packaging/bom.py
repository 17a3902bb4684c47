"""What a model file was made of, as a machine learning bill of materials (ML-BOM) in CycloneDX 1.6.

Source: https://cyclonedx.org/docs/1.6/json/. Without date and serial number: the same model
gives the same text.
"""

import json
from typing import Any

from edge_runtime.core import sha256
from edge_runtime.model import ModelCard

_LIBRARIES = "converter "
"""Prefix of the versions in a card's provenance."""

_NOT_LIBRARIES = ("python",)


def format_bom(content: bytes, card: ModelCard, *, name: str) -> str:
    """The bill of materials of a model file.

    Args:
        content: the bytes of the model file.
        card: the card inside.
        name: of the model file.
    """
    reference = f"model:{sha256(content)}"
    libraries = [
        _library(key.removeprefix(_LIBRARIES), version)
        for key, version in sorted(card.provenance.items())
        if key.startswith(_LIBRARIES) and key.removeprefix(_LIBRARIES) not in _NOT_LIBRARIES
    ]
    model: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": reference,
        "name": name,
        "version": sha256(content)[:12],
        "hashes": [{"alg": "SHA-256", "content": sha256(content)}],
        "modelCard": _model_card(card),
        "properties": [
            {"name": f"edge-classify:{key}", "value": value} for key, value in sorted(card.provenance.items())
        ],
    }
    return (
        json.dumps(
            {
                "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
                "bomFormat": "CycloneDX",
                "specVersion": "1.6",
                "version": 1,
                "metadata": {"component": model},
                "components": libraries,
                "dependencies": [
                    {"ref": reference, "dependsOn": [library["bom-ref"] for library in libraries]}
                ],
            },
            indent=2,
            ensure_ascii=False,
        )
        + "\n"
    )


def _library(name: str, version: str) -> dict[str, Any]:
    package = f"pkg:pypi/{name}@{version}"
    return {
        "type": "library",
        "bom-ref": package,
        "name": name,
        "version": version,
        "purl": package,
        # It made the file and is not in it.
        "scope": "excluded",
    }


def _model_card(card: ModelCard) -> dict[str, Any]:
    height, width = card.image_size
    metrics = [
        {"type": metric, "value": f"{value:g}", "slice": split}
        for split, values in card.metrics.items()
        for metric, value in values.items()
        if metric in ("accuracy", "loss", "count")
    ]
    return {
        "modelParameters": {
            "task": "image classification",
            "architectureFamily": card.architecture or "unknown",
            "modelArchitecture": f"alpha {card.alpha:g}, {height}x{width} pixels, {len(card.labels)} outputs",
            "datasets": [
                {
                    "type": "dataset",
                    "name": "the images that it was trained on",
                    "contents": {
                        "properties": [{"name": "edge-classify:fingerprint", "value": card.data_fingerprint}]
                    },
                }
            ],
            "inputs": [{"format": f"RGB pixels, {height}x{width}, resized by {card.resize}"}],
            "outputs": [{"format": f"a score for each of: {', '.join(card.labels)}"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": metrics},
    }
