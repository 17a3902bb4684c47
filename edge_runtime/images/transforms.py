"""How the camera hangs, and which part of its picture counts."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from edge_runtime.core.errors import UsageError
from edge_runtime.core.types import Frame, Image
from edge_runtime.images.codec import opencv


class Mirror(StrEnum):
    """Which way a picture is mirrored."""

    NONE = "none"
    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"


class Rotation(StrEnum):
    """By how many degrees a picture is turned clockwise."""

    NONE = "0"
    QUARTER = "90"
    HALF = "180"
    THREE_QUARTERS = "270"


@dataclass(frozen=True)
class Region:
    """A rectangle of a picture, in pixels from its upper left corner."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `X,Y,W,H`.

        Raises:
            UsageError: it is something else.
        """
        try:
            region = cls(*(int(part) for part in text.split(",")))
        except (TypeError, ValueError) as error:
            raise UsageError(f"--roi takes X,Y,W,H in pixels such as 80,0,480,480; got {text!r}") from error
        if min(region.left, region.top) < 0 or min(region.width, region.height) < 1:
            raise UsageError(f"--roi takes X,Y from 0 and W,H from 1, got {text!r}")
        return region

    def cut(self, image: Image) -> Image:
        """The part of a picture that lies in the rectangle.

        Raises:
            UsageError: none of it does.
        """
        part = image[self.top : self.top + self.height, self.left : self.left + self.width]
        if not part.size:
            height, width = image.shape[:2]
            raise UsageError(f"--roi {self} lies outside of the picture of {width}x{height}")
        return part

    def __str__(self) -> str:
        return f"{self.left},{self.top},{self.width},{self.height}"


@dataclass(frozen=True)
class View:
    """Turn, then mirror, then cut: so the region is that of the upright picture."""

    rotation: Rotation = Rotation.NONE
    mirror: Mirror = Mirror.NONE
    region: Region | None = None

    def apply(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The frames as they are to be classified."""
        if self == View():
            return iter(frames)
        return (dataclasses.replace(frame, image=self.see(frame.image)) for frame in frames)

    def see(self, image: Image) -> Image:
        """One picture (uint8 RGB, shape (height, width, 3)) as it is to be classified."""
        cv2 = opencv()
        if self.rotation is not Rotation.NONE:
            # OpenCV numbers the quarter turns from 0.
            image = cv2.rotate(image, int(self.rotation) // 90 - 1)
        if self.mirror is not Mirror.NONE:
            image = cv2.flip(image, 1 if self.mirror is Mirror.HORIZONTAL else 0)
        return self.region.cut(image) if self.region else image
