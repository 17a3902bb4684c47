"""Open the source that `--input` names."""

import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from edge_runtime.core import DecodeHint, Say, SourceError, full_size, is_there
from edge_runtime.images import is_image_name
from edge_runtime.sources.base import Source
from edge_runtime.sources.devices import DeviceKind, DeviceRequest, without_password
from edge_runtime.sources.image_files import FolderSource, ImageSource, WatchedFolderSource
from edge_runtime.sources.jpeg_stream import StreamSource
from edge_runtime.sources.live import LiveSource, Patience, VideoSource
from edge_runtime.sources.synthetic import SyntheticSource

STREAMS = frozenset({"http", "https", "rtsp", "rtsps"})
_ENCODE = "; in a password write / as %2F, # as %23 and ? as %3F"


@dataclass(frozen=True, kw_only=True)
class InputOptions:
    """How an input is read.

    Attributes:
        hint: how many pixels of each side the model needs; large JPEGs are decoded at reduced scale.
        watch: wait for images that are written to a folder.
        ahead: how many images of a folder are decoded in advance, in as many threads.
        patience: when a stream counts as lost.
        skip_repeated: a stream's frame that is identical to the previous one is not a new frame.
    """

    hint: DecodeHint = full_size
    watch: bool = False
    ahead: int = 2
    patience: Patience = field(default_factory=Patience)
    skip_repeated: bool = True


def open_input(name: str, *, say: Say, options: InputOptions | None = None) -> Source:
    """The source for `--input`.

    Args:
        name: a path, a URL (`rtsp://`, `http://`), `-` for JPEGs on stdin, or `synthetic`.
        say: shows a line that the user should know.
        options: how it is read.

    Raises:
        SourceError: nothing is there, or it cannot be a source.
    """
    options = options or InputOptions()
    if options.watch and not (is_there(Path(name)) and Path(name).is_dir()):
        raise SourceError(f"{without_password(name):.200}: --watch needs an existing folder")
    if name == "synthetic":
        return SyntheticSource()
    if name == "-":
        if sys.stdin is None:
            raise SourceError("stdin: it is closed; a stream of JPEGs is expected")
        return StreamSource(0, "stdin", say=say, hint=options.hint)
    if "://" in name:
        request = dataclasses.replace(_stream_request(name), skip_repeated=options.skip_repeated)
        return LiveSource(request, patience=options.patience, say=say)
    return _open_path(name, say, options)


def _open_path(name: str, say: Say, options: InputOptions) -> Source:
    path = Path(name)
    if not name or not is_there(path):
        raise SourceError(
            f"{name:.200}: no such file or folder; give an image, a folder of images or a video"
        )
    if options.watch:
        return WatchedFolderSource(path, say=say, hint=options.hint)
    if path.is_dir():
        return FolderSource(path, say=say, hint=options.hint, ahead=options.ahead)
    if is_image_name(path):
        return ImageSource(path, hint=options.hint)
    return VideoSource(path, say=say)


def _stream_request(url: str) -> DeviceRequest:
    shown, advice = f"{without_password(url):.200}", _ENCODE if "@" in url else ""
    try:
        parts = urlsplit(url)
        scheme, host, _port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError as error:
        raise SourceError(f"{shown}: not a URL{advice}") from error
    if not host or ("@" in url and "@" not in parts.netloc and ":" in parts.netloc):
        raise SourceError(f"{shown}: there is no host in it{advice}")
    if scheme not in STREAMS:
        raise SourceError(
            f"{scheme}:// is not a supported stream; supported are {', '.join(sorted(STREAMS))}"
        )
    return DeviceRequest(DeviceKind.URL, url)
