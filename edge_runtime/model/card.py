"""The model card: what is needed to use a model correctly, as one frozen value and one JSON file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from edge_runtime.core import OPEN, UNKNOWN, ModelError, Resize, Size, from_json, to_json
from edge_runtime.model.rejection import QUANTILES, Reference, Rejection

FORMAT = 1
MAX_SIDE = 4096

Metrics = Mapping[str, Mapping[str, float]]
"""For each split (`train`, `validation`, `test`): accuracy, loss, count, …"""


@dataclass(frozen=True)
class GoldenSample:
    """A small image and the float model's scores for it.

    Attributes:
        png: an encoded image.
        scores: one per label, in [0, 1].
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = OPEN

    png: bytes
    scores: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Labels, preprocessing and origin of a model.

    Attributes:
        labels: one per output, in the order of the outputs.
        image_size: (height, width) of the input in pixels.
        resize: how images were resized to that size in training, and must be on the device.
        architecture: the network's name.
        alpha: the network's width multiplier.
        seed: the random seed of the split and the training.
        data_fingerprint: SHA-256 over the images and labels trained on.
        metrics: one object per split.
        versions: the toolkit and the libraries that made the model.
        created: ISO 8601 in UTC.
        provenance: what the model file was made from and how; empty in a run's card.
        golden: samples with which a device checks that it computes the same scores.
        rejection: of images of no class; None where the model has a class for every image.
        reference: statistics of the held-out images; None where there are none.
        format: version of the card's format.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = OPEN

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
    rejection: Rejection | None = None
    reference: Reference | None = None
    format: int = FORMAT

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels without the one for images of no class."""
        return self.labels[:-1] if self.rejection else self.labels

    @property
    def unknown(self) -> str:
        """The answer for an image of no class."""
        return self.rejection.label if self.rejection else UNKNOWN

    def to_json(self) -> str:
        """The card as JSON; `from_json` reads it back."""
        return to_json(self, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, name: str = "card.json") -> "ModelCard":
        """Read a card; fields of later versions are ignored.

        Raises:
            ModelError: not JSON, a field is missing or has the wrong type, or the format is newer.
        """
        card = from_json(text, cls, name=name, error=ModelError)
        _check(card, name)
        return card


def _check(card: ModelCard, name: str) -> None:
    if card.format != FORMAT:
        raise ModelError(f"{name}: card format {card.format}, this version reads {FORMAT}")
    if not card.labels:
        raise ModelError(f"{name}: no labels")
    seen: set[str] = set()
    for label in card.labels:
        if label in seen:
            raise ModelError(f"{name}: duplicate label {label!r:.60}")
        seen.add(label)
    if not all(1 <= side <= MAX_SIDE for side in card.image_size):
        raise ModelError(f"{name}: image size {card.image_size}, expected 1 to {MAX_SIDE} pixels a side")
    if card.rejection and (card.labels[-1] != card.rejection.label or len(card.labels) < 2):
        raise ModelError(
            f"{name}: the rejection's label is {card.rejection.label!r:.60}, the last label is "
            f"{card.labels[-1]!r:.60}"
        )
    if card.rejection and not (0 < card.rejection.keep < 1 <= card.rejection.images):
        raise ModelError(
            f"{name}: the rejection keeps {card.rejection.keep:g}, fitted on {card.rejection.images} images; "
            "expected a fraction between 0 and 1, and one image or more"
        )
    for measured, found in card.reference.statistics.items() if card.reference else ():
        ascending = list(found.quantiles) == sorted(found.quantiles)
        if len(found.quantiles) != len(QUANTILES) or not ascending or found.images < 1:
            raise ModelError(
                f"{name}: reference {measured!r:.60} needs {len(QUANTILES)} ascending quantiles of one image "
                "or more"
            )
    for sample in card.golden:
        if len(sample.scores) != len(card.labels):
            raise ModelError(
                f"{name}: a golden sample has {len(sample.scores)} scores for {len(card.labels)} labels"
            )
