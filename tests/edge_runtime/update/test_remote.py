"""Model files over https and from a folder: asked for what has changed, bounded, never over plain http."""

import datetime
import http.server
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_runtime import SourceError, UsageError
from edge_runtime.update import open_remote, remote

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that is signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = built.add_extension(names, critical=False)
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    form = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(built.sign(key, hashes.SHA256()).public_bytes(form))
    private = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem"


class Https:
    """A server on loopback that answers as a function says, and remembers the headers of the requests."""

    def __init__(self, answer: Answer, certificate: tuple[Path, Path] | None) -> None:
        self.headers: list[dict[str, str]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.headers.append(dict(self.headers))
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.answer = answer
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        # What a client that ends the connection causes in the server is not of interest.
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def body(content: bytes, *, length: int | None = None, **headers: str) -> Answer:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        if headers.get("ETag") and request.headers.get("If-None-Match") == headers["ETag"]:
            request.send_response(304)
            request.end_headers()
            return
        request.send_response(200)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content) if length is None else length))
        request.end_headers()
        request.wfile.write(content)

    return answer


def redirect(target: str) -> Answer:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", target)
        request.end_headers()

    return answer


@pytest.fixture
def https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Https]]:
    certificate = write_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    servers: list[Https] = []

    def start(answer: Answer, *, tls: bool = True) -> Https:
        servers.append(Https(answer, certificate if tls else None))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def test_a_file_is_fetched_once_until_it_changes(https: Callable[..., Https]) -> None:
    server = https(body(b"one", ETag='"1"'))
    found = open_remote(server.url, "birds.tflite")
    assert (found.fetch(), found.fetch(), found.fetch()) == (b"one", None, None)
    assert server.headers[-1]["If-None-Match"] == '"1"'
    server.answer = body(b"two", ETag='"2"')
    assert (found.fetch(), found.fetch()) == (b"two", None)


def test_a_folder_gives_the_file_of_the_models_name_when_it_is_replaced(tmp_path: Path) -> None:
    found = open_remote(str(tmp_path), "birds.tflite")
    with pytest.raises(SourceError, match=r"birds\.tflite: cannot be read"):
        found.fetch()
    (tmp_path / "birds.tflite").write_bytes(b"one")
    assert (found.fetch(), found.fetch()) == (b"one", None)
    (tmp_path / "new").write_bytes(b"other")
    (tmp_path / "new").rename(tmp_path / "birds.tflite")
    assert (found.fetch(), found.fetch()) == (b"other", None)


def test_only_https_is_followed(https: Callable[..., Https]) -> None:
    plain = https(body(b"plain"), tls=False)
    server = https(redirect(plain.url))
    with pytest.raises(SourceError, match="which is not https"):
        open_remote(server.url, "m").fetch()
    assert not plain.headers
    other = https(body(b"other"))
    server.answer = redirect(other.url)
    assert open_remote(server.url, "m").fetch() == b"other"
    server.answer = redirect(server.url)
    with pytest.raises(SourceError, match="the server answers 302"):
        open_remote(server.url, "m").fetch()
    plain.answer = redirect("http://example.com/")
    with pytest.raises(SourceError, match="not on this machine"):
        open_remote(plain.url, "m").fetch()
    for address in ("http://example.com/m.tflite", "ftp://example.com/m", "https://", "file:///etc/passwd"):
        with pytest.raises(UsageError, match="takes https"):
            open_remote(address, "m")
    with pytest.raises(UsageError, match="no password"):
        open_remote("https://user:secret@example.com/m", "m")


def test_another_certificate_is_refused(
    https: Callable[..., Https], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = https(body(b"one"))
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(write_certificate(tmp_path / "other")[0]))
    with pytest.raises(SourceError, match="CERTIFICATE_VERIFY_FAILED"):
        open_remote(server.url, "m").fetch()


def test_cut_large_slow_and_refused_downloads_end(
    https: Callable[..., Https], monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(b".")
            time.sleep(0.02)

    monkeypatch.setattr(remote, "MAX_UPDATE_BYTES", 1000)
    monkeypatch.setattr(remote, "DOWNLOAD_SECONDS", 0.3)
    monkeypatch.setattr(remote, "NETWORK_SECONDS", 0.5)
    server = https(body(b""))
    for answer, reason in (
        (body(b"x" * 500, length=900), "500 of 900|no answer"),
        (body(b"x" * 2000), "more than 1000 bytes"),
        (drip, "given up"),
        (lambda request: request.send_error(404), "answers 404"),
        (lambda request: request.send_error(503), "answers 503"),
        (lambda _request: time.sleep(2), "no answer"),
        (lambda request: request.wfile.write(b"\xff\xfe\n"), "no answer"),
    ):
        server.answer = answer
        with pytest.raises(SourceError, match=reason):
            open_remote(server.url, "m").fetch()
