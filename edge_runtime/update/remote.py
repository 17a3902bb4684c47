"""Where new model files come from: an https address or a folder, asked only for what has changed."""

import http
import http.client
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from edge_runtime.core import SourceError, UsageError, clock, read_file

MAX_UPDATE_BYTES = 64 * 1024**2
"""Ten times the largest MobileNetV2 in int8."""

NETWORK_SECONDS = 30.0
"""Longest wait for the next bytes."""

DOWNLOAD_SECONDS = 600.0
"""Longest time for a whole download."""

CHUNK_BYTES = 64 * 1024
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_DAMAGED = (OSError, http.client.HTTPException, ValueError)


class Remote(Protocol):
    """Gives a model file when there is another one than before."""

    def fetch(self) -> bytes | None:
        """The whole file; None where it has not changed since the last call.

        Raises:
            SourceError: it cannot be had, or is too large.
        """
        ...

    def forget(self) -> None:
        """Give the file again at the next call, although it has not changed."""
        ...


def open_remote(address: str, file_name: str) -> Remote:
    """Read `--update`: an https address, or a folder; one that ends in / has the model by its own name.

    Args:
        address: what the user gave.
        file_name: of the model file on this device.

    Raises:
        UsageError: neither, or a password in the address.
    """
    if "://" not in address:
        path = Path(address)
        return FileRemote(path / file_name if path.is_dir() or address.endswith("/") else path)
    parts = urlsplit(address)
    loopback = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or loopback):
        raise UsageError(f"--update takes https://… or a folder, got {address!r:.200}")
    if parts.password is not None or parts.username is not None:
        raise UsageError(
            "--update: no password in the address, every user can read it; models are signed, not secret"
        )
    return HttpsRemote(f"{address}{file_name}" if address.endswith("/") else address)


class FileRemote:
    """A file in a folder, such as a network share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None

    def fetch(self) -> bytes | None:
        """See `Remote.fetch`."""
        try:
            status = self._path.stat()
        except OSError as error:
            raise SourceError(f"{self._path}: cannot be read: {error.strerror or error}") from error
        stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        if stamp == self._stamp:
            return None
        content = read_file(self._path, max_bytes=MAX_UPDATE_BYTES, error=SourceError)
        self._stamp = stamp
        return content

    def forget(self) -> None:
        """See `Remote.forget`."""
        self._stamp = None


class HttpsRemote:
    """An address that is asked with `If-None-Match` and `If-Modified-Since` (RFC 9110, 13.1).

    Only https is followed, or http on loopback from http on loopback. Certificates are checked with the
    system's, or those that `$SSL_CERT_FILE` names.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._validators: dict[str, str] = {}
        context = ssl.create_default_context()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), _SecureRedirects()
        )

    def fetch(self) -> bytes | None:
        """See `Remote.fetch`."""
        request = urllib.request.Request(self._url, headers=self._validators)  # noqa: S310 - https, see open_remote
        try:
            with self._opener.open(request, timeout=NETWORK_SECONDS) as response:
                content = _read(response, self._url)
                headers = response.headers
        except urllib.error.HTTPError as error:
            with error:
                if error.code == http.HTTPStatus.NOT_MODIFIED:
                    return None
            raise SourceError(f"{self._url}: the server answers {error.code} {error.reason:.80}") from error
        except SourceError:
            raise
        except _DAMAGED as error:
            reason = getattr(error, "reason", None) or error
            raise SourceError(f"{self._url}: no answer ({reason!s:.200})") from error
        pairs = (("If-None-Match", headers.get("ETag")), ("If-Modified-Since", headers.get("Last-Modified")))
        self._validators = {name: value for name, value in pairs if value}
        return content

    def forget(self) -> None:
        """See `Remote.forget`."""
        self._validators = {}


class _SecureRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect from https to anything else."""

    max_redirections = 5

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if urlsplit(newurl).scheme != urlsplit(req.full_url).scheme:
            raise SourceError(f"{req.full_url}: redirected to {newurl!r:.200}, which is not {req.type}")
        if req.type == "http" and urlsplit(newurl).hostname not in LOOPBACK:
            raise SourceError(f"{req.full_url}: redirected to {newurl!r:.200}, which is not on this machine")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _read(response: http.client.HTTPResponse, url: str) -> bytes:
    """The whole body, of limited size and within a limited time, however slowly it comes."""
    deadline = clock.now() + DOWNLOAD_SECONDS
    expected = response.length
    content = bytearray()
    while chunk := response.read1(CHUNK_BYTES):
        content += chunk
        if len(content) > MAX_UPDATE_BYTES:
            raise SourceError(f"{url}: more than {MAX_UPDATE_BYTES} bytes, the largest model that is taken")
        if clock.now() > deadline:
            raise SourceError(f"{url}: {len(content)} bytes after {DOWNLOAD_SECONDS:.0f} s, given up")
    if expected is not None and len(content) != expected:
        raise SourceError(f"{url}: the connection ended after {len(content)} of {expected} bytes")
    return bytes(content)
