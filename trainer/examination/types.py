"""The results of an examination, and their JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from edge_runtime.core import OPEN


class Check(StrEnum):
    """What is wrong with an image."""

    LABEL = "label"
    DUPLICATE = "duplicate"
    OUTLIER = "outlier"
    SMALL = "small"
    DARK = "dark"
    BLURRED = "blurred"


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """An image that should be looked at.

    Attributes:
        file: relative to the data.
        label: its class.
        check: what is wrong with it.
        why: the same in words.
        suggestion: the class that it looks like; empty where its class is not in question.
        score: how sure that is, in [0, 1].
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = OPEN

    file: str
    label: str
    check: Check
    why: str
    suggestion: str = ""
    score: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Suspects:
    """The images to look at again; `edge-label --suspects` opens them."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = OPEN

    suspects: tuple[Suspect, ...]


@dataclass(frozen=True, kw_only=True)
class DuplicateSet:
    """Near-duplicates of one scene.

    Attributes:
        files: of the set.
        labels: of the files.
        splits: that they are in, with a run; a set in several splits makes held-out accuracy too high.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = OPEN

    files: tuple[str, ...]
    labels: tuple[str, ...]
    splits: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """Recall on images that were not trained on.

    Attributes:
        images: of each class that were trained on, on average.
        recall: class → recall, mean of the repetitions.
        accuracy: mean over all images.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = OPEN

    images: float
    recall: Mapping[str, float]
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class ClassReport:
    """One class.

    Attributes:
        label: its name.
        images: readable ones.
        recall: out of fold, with all images.
        gain: by how much the recall is expected to rise with twice the images.
        advice: one line; empty where all is well.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = OPEN

    label: str
    images: int
    recall: float
    gain: float
    advice: str = ""


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What was found in a data set.

    Attributes:
        data: where it is.
        images: readable ones.
        features: what the features are of.
        accuracy: out of fold, of a classifier on these features.
        verdicts: the most important findings, one line each.
        classes: each class.
        suspects: images to look at again, the surest first, by check.
        duplicates: sets of near-duplicates, the largest first.
        curve: the learning curve.
        unreadable: a line for each file that is no image.
        seconds: of the examination.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = OPEN

    data: str
    images: int
    features: str
    accuracy: float
    verdicts: tuple[str, ...]
    classes: tuple[ClassReport, ...]
    suspects: tuple[Suspect, ...]
    duplicates: tuple[DuplicateSet, ...]
    curve: tuple[CurvePoint, ...]
    unreadable: tuple[str, ...] = ()
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)
