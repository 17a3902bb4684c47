"""The parts of a card about images of no class, and about the images that frames are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from edge_runtime.core import OPEN

QUANTILES = tuple(number / 20 for number in range(21))
"""The quantiles of a distribution: every twentieth."""


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """The output for images of no class, which is the model's last one.

    Attributes:
        label: its label.
        keep: the fraction of images of the classes that the threshold is meant to keep.
        images: held-out images that the threshold was fitted on.
        kept_low: with 95 % confidence at least this fraction of new images of the classes is kept,
        kept_high: and at most this one.
        temperature: that the logits were divided by.
        negatives: the user's own images of no class that it was fitted on.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = OPEN

    label: str
    keep: float
    images: int
    kept_low: float
    kept_high: float
    temperature: float
    negatives: int = 0


@dataclass(frozen=True)
class Distribution:
    """A number that was measured on each of some images.

    Attributes:
        images: how many they are.
        mean: of the number.
        std: its standard deviation.
        quantiles: its values at `QUANTILES`, ascending.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = OPEN

    images: int
    mean: float
    std: float
    quantiles: tuple[float, ...]


@dataclass(frozen=True)
class Reference:
    """Statistics of the held-out images, which a device compares its frames with.

    Attributes:
        statistics: distribution of each number, by its name: `brightness`, `contrast` and `sharpness` of the
            image, `score` of the best class, and with a rejection `unknown`, the score of the output for
            images of no class, `evidence` of its detectors and `energy` of the logits.
        shares: fraction of the images that each label is the answer for.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = OPEN

    statistics: Mapping[str, Distribution]
    shares: Mapping[str, float]
