"""Ed25519 keys in PEM files, as OpenSSL writes them; `cryptography` does the arithmetic."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime.core import (
    MissingLibraryError,
    ModelError,
    OutputError,
    UsageError,
    is_there,
    read_file,
    sha256,
    write_file,
    write_with,
)

MAX_KEY_BYTES = 64 * 1024
MAX_KEYS = 32
PASSWORD = "EDGE_KEY_PASSWORD"  # noqa: S105 - the name of a variable
_PUBLIC = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


@dataclass(frozen=True)
class PublicKey:
    """An Ed25519 public key, 32 bytes."""

    raw: bytes

    @property
    def identity(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the key: how messages call it."""
        return sha256(self.raw)[:16]

    def verify(self, signature: bytes, message: bytes, *, name: str) -> None:
        """Verify a signature.

        Raises:
            ModelError: it is not this key's signature of the message.
        """
        ed25519 = _library().ed25519
        from cryptography.exceptions import InvalidSignature

        try:
            ed25519.Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise ModelError(f"{name}: the signature is not valid for key {self.identity}") from error

    def to_pem(self) -> bytes:
        """The key as PEM (SubjectPublicKeyInfo)."""
        library = _library()
        form = library.serialization
        key = library.ed25519.Ed25519PublicKey.from_public_bytes(self.raw)
        pem: bytes = key.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
        return pem


@dataclass(frozen=True, repr=False)
class PrivateKey:
    """An Ed25519 private key."""

    key: Any

    @property
    def public(self) -> PublicKey:
        """Its public key."""
        return PublicKey(self.key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, 64 bytes."""
        signature: bytes = self.key.sign(message)
        return signature


def write_new_key(path: Path) -> PublicKey:
    """Make a key: the private one into `path`, which only its owner can read, the public one beside it.

    With `$EDGE_KEY_PASSWORD` the private key is encrypted.

    Raises:
        OutputError: one of the files exists, or cannot be written.
    """
    public_path = public_name(path)
    for each in (path, public_path):
        if is_there(each):
            raise OutputError(f"{each} exists: a key is never replaced; name another file")
    library = _library()
    form, key = library.serialization, library.ed25519.Ed25519PrivateKey.generate()
    password = os.environ.get(PASSWORD, "").encode()
    encryption = form.BestAvailableEncryption(password) if password else form.NoEncryption()
    content = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, encryption)
    write_with(path, lambda temporary: _write_private(temporary, content))
    public = PrivateKey(key).public
    write_file(public_path, public.to_pem())
    return public


def public_name(path: Path) -> Path:
    """The name of the public key that `write_new_key` writes beside a private one."""
    return path.with_suffix(".pub")


def read_private_key(path: Path) -> PrivateKey:
    """Read a private key (PEM, PKCS 8); `$EDGE_KEY_PASSWORD` decrypts it.

    Raises:
        UsageError: it cannot be read, is not an Ed25519 key, or its password is missing or wrong.
    """
    content = read_file(path, max_bytes=MAX_KEY_BYTES, error=UsageError)
    library = _library()
    password = os.environ.get(PASSWORD, "").encode() or None
    try:
        key = library.serialization.load_pem_private_key(content, password)
    except TypeError as error:
        advice = (
            f"is encrypted: set ${PASSWORD}" if password is None else f"is not encrypted: unset ${PASSWORD}"
        )
        raise UsageError(f"{path}: the key {advice}") from error
    except (ValueError, library.unsupported) as error:
        raise UsageError(f"{path}: not a private key in PEM, or ${PASSWORD} is wrong") from error
    if not isinstance(key, library.ed25519.Ed25519PrivateKey):
        raise UsageError(f"{path}: expected an Ed25519 key; make one with edge-sign --new-key FILE")
    return PrivateKey(key)


def read_public_keys(path: Path) -> tuple[PublicKey, ...]:
    """Read the public keys (PEM) of a file, one after the other; other lines are comments.

    Raises:
        UsageError: it cannot be read, has no key, too many, or one that is not an Ed25519 key.
    """
    content = read_file(path, max_bytes=MAX_KEY_BYTES, error=UsageError)
    blocks = _PUBLIC.findall(content)
    if not 1 <= len(blocks) <= MAX_KEYS:
        raise UsageError(
            f"{path}: expected 1 to {MAX_KEYS} public keys (-----BEGIN PUBLIC KEY-----), got {len(blocks)}"
        )
    return tuple(_public_key(block, path) for block in blocks)


def _write_private(path: Path, content: bytes) -> None:
    """Write a file that was never readable by others."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _public_key(block: bytes, path: Path) -> PublicKey:
    library = _library()
    try:
        key = library.serialization.load_pem_public_key(block)
    except (ValueError, library.unsupported) as error:
        raise UsageError(f"{path}: a public key in it is damaged") from error
    if not isinstance(key, library.ed25519.Ed25519PublicKey):
        raise UsageError(f"{path}: expected Ed25519 keys, got {type(key).__name__.strip('_')}")
    return PublicKey(key.public_bytes_raw())


@dataclass(frozen=True)
class _Library:
    """The parts of `cryptography` that are used."""

    ed25519: Any
    serialization: Any
    unsupported: type[Exception]


def _library() -> _Library:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise MissingLibraryError("signatures need a library: pip install cryptography") from error
    return _Library(ed25519, serialization, UnsupportedAlgorithm)
