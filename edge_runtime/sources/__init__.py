"""Where frames come from. Every source is a context manager and an iterator of frames."""

import dataclasses
import sys
from pathlib import Path
from urllib.parse import urlsplit

from edge_runtime.core.errors import SourceError
from edge_runtime.core.files import is_there
from edge_runtime.images.codec import is_image_name
from edge_runtime.sources.base import DecodeHint, Idle, Say, Source, full_size, no_idle
from edge_runtime.sources.devices.drivers import DeviceKind, DeviceRequest, without_password
from edge_runtime.sources.image_files import FolderSource, PictureSource, WatchedFolderSource
from edge_runtime.sources.jpeg_stream import StreamSource
from edge_runtime.sources.live import LiveSource, Patience, VideoSource
from edge_runtime.sources.synthetic import SyntheticSource

__all__ = [
    "DeviceKind",
    "DeviceRequest",
    "FolderSource",
    "LiveSource",
    "Patience",
    "PictureSource",
    "Source",
    "StreamSource",
    "SyntheticSource",
    "VideoSource",
    "WatchedFolderSource",
    "camera_request",
    "open_input",
]

_ENCODE = "; in a password write / as %2F, # as %23 and ? as %3F"
STREAMS = frozenset({"http", "https", "rtsp", "rtsps"})


def camera_request(name: str) -> DeviceRequest:
    """What `--camera` asks for: a number, a device path, `picamera2` or `picamera2:1`."""
    kind = DeviceKind.PICAMERA2 if name.partition(":")[0] == "picamera2" else DeviceKind.CAMERA
    return DeviceRequest(kind, name)


def open_input(
    name: str,
    *,
    say: Say,
    hint: DecodeHint = full_size,
    watch: bool = False,
    ahead: int = 2,
    patience: Patience | None = None,
    skip_repeated: bool = True,
    idle: Idle = no_idle,
) -> Source:
    """The source for `--input`.

    Args:
        name: a path, a URL (`rtsp://`, `http://`), `-` for JPEGs on stdin, or `synthetic`.
        say: gets a line for what the user should know.
        hint: how many pixels of each side the model needs; large JPEGs are decoded at reduced scale.
        watch: whether to wait for the pictures that come into a folder.
        ahead: how many pictures of a folder are decoded in advance, in as many threads.
        patience: when a stream counts as lost.
        skip_repeated: whether a stream's picture that is the same as the one before is no new frame.
        idle: called at least twice a second while there is no frame.

    Raises:
        SourceError: nothing is there, or it cannot be a source.
    """
    if watch and not (is_there(Path(name)) and Path(name).is_dir()):
        raise SourceError(f"{without_password(name):.200}: --watch needs a folder that is there")
    if name == "synthetic":
        return SyntheticSource()
    if name == "-":
        if sys.stdin is None:
            raise SourceError("stdin: it is closed; a stream of JPEGs is expected")
        return StreamSource(0, "stdin", say=say, hint=hint, idle=idle)
    if "://" in name:
        request = dataclasses.replace(_stream_request(name), skip_repeated=skip_repeated)
        return LiveSource(request, patience=patience, say=say, idle=idle)
    path = Path(name)
    if not name or not is_there(path):
        raise SourceError(
            f"{name:.200}: no such file or folder; give a picture, a folder of pictures or a video"
        )
    if watch:
        return WatchedFolderSource(path, say=say, hint=hint, idle=idle)
    if path.is_dir():
        return FolderSource(path, say=say, hint=hint, ahead=ahead)
    if is_image_name(path):
        return PictureSource(path, hint=hint)
    return VideoSource(path, say=say, idle=idle)


def _stream_request(url: str) -> DeviceRequest:
    try:
        parts = urlsplit(url)
        scheme, host, _port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError as error:
        raise SourceError(
            f"{without_password(url):.200}: not a URL{_ENCODE if '@' in url else ''}"
        ) from error
    if not host or ("@" in url and "@" not in parts.netloc and ":" in parts.netloc):
        raise SourceError(
            f"{without_password(url):.200}: there is no host in it{_ENCODE if '@' in url else ''}"
        )
    if scheme not in STREAMS:
        raise SourceError(
            f"{scheme}:// is no stream that can be read; there are {', '.join(sorted(STREAMS))}"
        )
    return DeviceRequest(DeviceKind.URL, url)
