"""Where frames come from: images, folders, stdin, cameras, streams, videos, a synthetic pattern."""

from edge_runtime.sources.base import (
    Counts,
    Events,
    Source,
    SourceBase,
    SourceStatus,
    new_frame,
    pause,
    wait_readable,
)
from edge_runtime.sources.cameras import Camera, camera_request, list_cameras
from edge_runtime.sources.devices import DeviceKind, DeviceRequest, without_password
from edge_runtime.sources.image_files import FolderSource, ImageSource, WatchedFolderSource
from edge_runtime.sources.jpeg_stream import StreamSource
from edge_runtime.sources.live import LiveSource, Patience, VideoSource
from edge_runtime.sources.opening import InputOptions, open_input
from edge_runtime.sources.synthetic import SyntheticSource

__all__ = [
    "Camera",
    "Counts",
    "DeviceKind",
    "DeviceRequest",
    "Events",
    "FolderSource",
    "ImageSource",
    "InputOptions",
    "LiveSource",
    "Patience",
    "Source",
    "SourceBase",
    "SourceStatus",
    "StreamSource",
    "SyntheticSource",
    "VideoSource",
    "WatchedFolderSource",
    "camera_request",
    "list_cameras",
    "new_frame",
    "open_input",
    "pause",
    "wait_readable",
    "without_password",
]
