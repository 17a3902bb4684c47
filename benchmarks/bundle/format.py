"""The format of a bundle: a zip whose members are stored, not compressed, and listed in `manifest.json`.

| member | content |
|---|---|
| `manifest.json` | `Manifest` |
| `images/00000.jpg`, … | the held-out images as they were, or PNGs of a data set that is not a folder |
| `scores.f32` | the first Keras model's scores, little-endian float32, images × outputs |
| `cards/RUN.json` | the card of each run |
| `models/NAME.tflite` | model files, if they were added |
| `keras/RUN/model.keras`, `keras/RUN/card.json` | the Keras models, if they were added |
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from benchmarks.report import TargetReport
from edge_runtime.core import CLOSED

FORMAT = 1
PROBE = "probe"
"""The split of a bundle whose models are not trained: only their times count."""

MANIFEST, SCORES = "manifest.json", "scores.f32"

MAX_IMAGES = 60_000
"""So that the zip stays one without 64-bit extensions, which hold at most 65,535 members."""

MAX_MEMBERS = 65_000
MAX_BYTES = 4 * 1024**3 - 1
MAX_MANIFEST_BYTES = 64 * 1024**2
MAX_DIRECTORY_BYTES = 16 * 1024**2

# Names of the members, and of the files that they become: one folder, no way out of it.
_NAME = re.compile(
    r"images/\d{5}\.[a-z0-9]{1,5}|cards/[\w. -]{1,100}\.json|models/[\w. -]{1,100}\.tflite"
    r"|keras/[\w. -]{1,100}/(model\.keras|card\.json)|scores\.f32"
)


@dataclass(frozen=True)
class BundledImage:
    """One held-out image.

    Attributes:
        file: the member.
        label: index of its right class.
        hash: of its pixels, as in a run's `split.csv`.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    file: str
    label: int
    hash: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is in a bundle.

    Attributes:
        format: version of the format.
        runs: names of the runs.
        classes: the labels without the one for images of no class.
        labels: all labels of the models.
        split: that the images are from.
        fingerprint: over the images, as in reports.
        images: the images.
        outputs: scores of the first Keras model for each image.
        targets: the Keras models, as the workstation measured them; none in a bundle of untrained models.
        versions: of the workstation's libraries.
        members: SHA-256 of every member but this one.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    format: int
    runs: tuple[str, ...]
    classes: tuple[str, ...]
    labels: tuple[str, ...]
    split: str
    fingerprint: str
    images: tuple[BundledImage, ...]
    outputs: int
    targets: tuple[TargetReport, ...]
    versions: Mapping[str, str]
    members: Mapping[str, str]

    def problem(self) -> str:
        """What does not belong together; empty for nothing."""
        bad = next((name for name in self.members if not is_member_name(name)), None)
        if bad is not None:
            return f"a file of the name {bad[:80]!r} cannot be in a bundle"
        if self.format != FORMAT:
            return f"format {self.format}, this version reads {FORMAT}"
        is_probe = self.split == PROBE
        if not (self.images and self.runs and self.classes) or is_probe == bool(self.targets):
            return "no images, runs, classes or Keras model"
        files = [image.file for image in self.images]
        if len(set(files)) < len(files) or not {*files, SCORES} <= set(self.members):
            return "its images and its list of files do not belong together"
        if not all(0 <= image.label < len(self.classes) for image in self.images):
            return "an image of a class that is not there"
        if self.outputs not in ((0,) if is_probe else (len(self.classes), len(self.classes) + 1)):
            return f"{self.outputs} scores for {len(self.classes)} classes"
        if any(
            len(target.accuracy.predicted) != len(files) or target.machine is None for target in self.targets
        ):
            return "the measurements of the Keras model are of other images"
        return ""


def is_member_name(name: str) -> bool:
    """Whether a member may have this name."""
    return bool(_NAME.fullmatch(name)) and ".." not in name


def member_name(name: str) -> str:
    """A run's or a model's name as a member's name can hold it."""
    return re.sub(r"[^\w. -]|\.\.+", "_", name)[:100] or "_"
