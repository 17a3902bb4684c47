"""The start of a pipeline: open the source that the options name, and choose its frames."""

import dataclasses
from collections.abc import Iterator
from typing import cast

from edge_runtime.core import DecodeHint, Frame, Say, full_size
from edge_runtime.images import Region, Transform
from edge_runtime.pipeline.config import FrameConfig
from edge_runtime.pipeline.loop import limit
from edge_runtime.pipeline.throttling import Throttle, every
from edge_runtime.sources import InputOptions, LiveSource, Patience, Source, camera_request, open_input


def open_source(config: FrameConfig, say: Say, *, hint: DecodeHint = full_size, ahead: int = 2) -> Source:
    """Open the source that the options name.

    Args:
        config: the options.
        say: shows a line that the user should know.
        hint: how many pixels of each side are needed.
        ahead: how many images of a folder are decoded in advance.

    Raises:
        SourceError: it cannot be opened.
    """
    patience = Patience(config.lost_after, config.give_up_after, config.wait)
    if config.camera is not None:
        request = dataclasses.replace(
            camera_request(config.camera),
            width=config.width,
            height=config.height,
            frame_rate=config.frame_rate,
            pixel_format=config.pixel_format,
            skip_repeated=not config.allow_repeated_frames,
        )
        return LiveSource(request, patience=patience, say=say)
    options = InputOptions(
        hint=hint,
        watch=config.watch,
        ahead=ahead,
        patience=patience,
        skip_repeated=not config.allow_repeated_frames,
    )
    return open_input(cast(str, config.input), say=say, options=options)


def takes_every_image(config: FrameConfig) -> bool:
    """Whether `choose_frames` changes and leaves out nothing; it may still slow down."""
    unchanged = Transform(config.rotate, config.flip) == Transform() and config.roi is None
    return unchanged and config.every == 1 and config.fps is None and config.max_frames is None


def choose_frames(frames: Iterator[Frame | None], config: FrameConfig, say: Say) -> Iterator[Frame | None]:
    """The frames that the options want, rotated, mirrored and cropped, one stage a line."""
    frames = every(frames, config.every)
    frames = Throttle(config.fps, say=say)(frames)
    region = Region.parse(config.roi) if config.roi else None
    frames = Transform(config.rotate, config.flip, region)(frames)
    return limit(frames, config.max_frames)
