"""Rotate, flip and crop frames."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from edge_runtime.core import Frame, Image, UsageError
from edge_runtime.images.opencv import opencv


class Flip(StrEnum):
    """The direction in which an image is mirrored."""

    NONE = "none"
    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"


class Rotation(StrEnum):
    """Clockwise rotation in degrees."""

    NONE = "0"
    QUARTER = "90"
    HALF = "180"
    THREE_QUARTERS = "270"


@dataclass(frozen=True)
class Region:
    """A rectangle of an image, in pixels from its upper left corner."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `X,Y,W,H`.

        Raises:
            UsageError: not four integers, or an empty rectangle.
        """
        try:
            region = cls(*(int(part) for part in text.split(",")))
        except (TypeError, ValueError) as error:
            raise UsageError(f"--roi takes X,Y,W,H in pixels such as 80,0,480,480; got {text!r}") from error
        if min(region.left, region.top) < 0 or min(region.width, region.height) < 1:
            raise UsageError(f"--roi takes X,Y from 0 and W,H from 1, got {text!r}")
        return region

    def crop(self, image: Image) -> Image:
        """The part of an image inside the rectangle, as a view.

        Raises:
            UsageError: the rectangle is outside the image.
        """
        part = image[self.top : self.top + self.height, self.left : self.left + self.width]
        if not part.size:
            height, width = image.shape[:2]
            raise UsageError(f"--roi {self} lies outside of the image of {width}x{height}")
        return part

    def __str__(self) -> str:
        return f"{self.left},{self.top},{self.width},{self.height}"


@dataclass(frozen=True)
class Transform:
    """Rotate, then flip, then crop, so that the region is one of the upright image."""

    rotation: Rotation = Rotation.NONE
    flip: Flip = Flip.NONE
    region: Region | None = None

    def __call__(self, frames: Iterator[Frame | None]) -> Iterator[Frame | None]:
        """The stage of the pipeline: the frames with transformed images."""
        if self == Transform():
            return frames
        return (
            None if frame is None else dataclasses.replace(frame, image=self.apply(frame.image))
            for frame in frames
        )

    def apply(self, image: Image) -> Image:
        """Transform one image (uint8 RGB, shape (height, width, 3))."""
        cv2 = opencv()
        if self.rotation is not Rotation.NONE:
            # OpenCV numbers the quarter turns from 0.
            image = cv2.rotate(image, int(self.rotation) // 90 - 1)
        if self.flip is not Flip.NONE:
            image = cv2.flip(image, 1 if self.flip is Flip.HORIZONTAL else 0)
        return self.region.crop(image) if self.region else image
