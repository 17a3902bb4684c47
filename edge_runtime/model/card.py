"""The model card: all that is needed to use a model rightly, as one frozen value and one JSON file."""

import base64
import binascii
import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge_runtime.core.errors import ModelError
from edge_runtime.core.files import is_text
from edge_runtime.core.types import Resize, Size

FORMAT = 1
MAX_SIDE = 4096

Metrics = Mapping[str, Mapping[str, float]]
"""One object per split (`train`, `validation`, `test`): accuracy, loss, count, …"""


@dataclass(frozen=True)
class GoldenSample:
    """A small picture and what the float model said of it.

    Attributes:
        png: an encoded picture.
        scores: one per label, in [0, 1].
    """

    png: bytes
    scores: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What a model is, what it wants and where it came from.

    Attributes:
        labels: one per output, in the order of the outputs.
        image_size: (height, width) of the input in pixels.
        resize: how pictures were brought to that size in training, and must be on the device.
        architecture: the network's name.
        alpha: the network's width multiplier.
        seed: of the split and the training.
        data_fingerprint: SHA-256 over the pictures and labels trained on.
        metrics: one object per split.
        versions: the toolkit and the libraries that made the model.
        created: ISO 8601 in UTC.
        provenance: what the model file was made from and how; empty in a run's card.
        golden: samples by which a device proves that it computes the same.
    """

    labels: tuple[str, ...]
    image_size: Size
    resize: Resize = Resize.SQUASH
    architecture: str = ""
    alpha: float = 1.0
    seed: int = 0
    data_fingerprint: str = ""
    metrics: Metrics = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)
    golden: tuple[GoldenSample, ...] = ()

    def to_json(self) -> str:
        """The card as JSON; `from_json` reads it back."""
        content = dataclasses.asdict(self)
        content["golden"] = [
            {"png": base64.b64encode(sample.png).decode(), "scores": sample.scores} for sample in self.golden
        ]
        return json.dumps({"format": FORMAT, **content}, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, name: str = "card.json") -> "ModelCard":
        """Read a card; fields of later versions are passed over.

        Raises:
            ModelError: not JSON, a field is missing or has the wrong type, or the format is newer.
        """
        try:
            content = json.loads(text)
            if not isinstance(content, dict):
                raise TypeError("not a JSON object")
            version = int(content.get("format", 0))
            if version != FORMAT:
                raise ModelError(f"{name}: card format {version}, this version reads {FORMAT}")
            card = cls(**_fields(content))
        except ModelError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            raise ModelError(f"{name}: not a model card ({type(error).__name__}: {error})") from error
        _check(card, name)
        return card


def _fields(content: dict[str, Any]) -> dict[str, Any]:
    height, width = content["image_size"]
    return {
        "labels": tuple(_text(label) for label in content["labels"]),
        "image_size": (int(height), int(width)),
        "resize": Resize(content.get("resize", Resize.SQUASH)),
        "architecture": _text(content.get("architecture", "")),
        "alpha": float(content.get("alpha", 1.0)),
        "seed": int(content.get("seed", 0)),
        "data_fingerprint": _text(content.get("data_fingerprint", "")),
        "metrics": {
            _text(split): {_text(key): float(value) for key, value in values.items()}
            for split, values in content.get("metrics", {}).items()
        },
        "versions": {_text(key): _text(value) for key, value in content.get("versions", {}).items()},
        "created": _text(content.get("created", "")),
        "provenance": {_text(key): _text(value) for key, value in content.get("provenance", {}).items()},
        "golden": tuple(_golden(sample) for sample in content.get("golden", [])),
    }


def _golden(sample: dict[str, Any]) -> GoldenSample:
    try:
        png = base64.b64decode(sample["png"], validate=True)
    except binascii.Error as error:
        raise ValueError(f"golden sample: {error}") from error
    return GoldenSample(png=png, scores=tuple(float(score) for score in sample["scores"]))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r:.40}")
    if not is_text(value):
        raise ValueError(f"half of a surrogate pair is no text: {value!r:.40}")
    return value


def _check(card: ModelCard, name: str) -> None:
    if not card.labels:
        raise ModelError(f"{name}: no labels")
    if len(set(card.labels)) != len(card.labels):
        raise ModelError(f"{name}: a label stands there twice")
    if not all(1 <= side <= MAX_SIDE for side in card.image_size):
        raise ModelError(f"{name}: image size {card.image_size}, expected 1 to {MAX_SIDE} pixels a side")
    for sample in card.golden:
        if len(sample.scores) != len(card.labels):
            raise ModelError(
                f"{name}: a golden sample has {len(sample.scores)} scores for {len(card.labels)} labels"
            )
