"""Sign model files, and the keys that may sign them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from edge_runtime.core import CLOSED, ModelError, UsageError, from_json, read_file, sha256, to_json
from edge_runtime.model import ModelFile, join_signature, parse_model_file, with_zip
from edge_runtime.trust.envelope import Envelope, KeyStatement, ModelStatement, sign
from edge_runtime.trust.keys import MAX_KEY_BYTES, PrivateKey, PublicKey

MAX_CHAIN = 4
"""Certificates between the trusted key and the one that signed the model."""

MAX_COUNTER = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly."""

MAX_NAME = 200


@dataclass(frozen=True)
class SignatureBlock:
    """The signatures of a model file.

    Attributes:
        model: a signed `ModelStatement`.
        certificates: signed `KeyStatement`s, that of the key which signed the model first; each is signed by
            the next one's key, the last by a trusted one. Empty where a trusted key signed the model itself.
        format: version of this layout.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    model: Envelope
    certificates: tuple[Envelope, ...] = ()
    format: int = 1


def sign_model(
    content: bytes, statement_name: str, counter: int, key: PrivateKey, certificates: Sequence[Envelope] = ()
) -> bytes:
    """Sign a model file; an earlier signature is replaced.

    Args:
        content: the bytes of the `.tflite`.
        statement_name: what the model is for.
        counter: higher than that of the model that it replaces.
        key: signs it.
        certificates: of that key, see `SignatureBlock`.

    Returns:
        The signed model file.

    Raises:
        ModelError: not a model file, or its labels are not inside.
        UsageError: the name or the counter is outside its range, or the certificates are of another key.
    """
    if not (0 < len(statement_name) <= MAX_NAME and statement_name.isprintable()):
        raise UsageError(f"--name takes 1 to {MAX_NAME} printable characters, got {statement_name!r:.60}")
    if not 0 <= counter <= MAX_COUNTER:
        raise UsageError(f"--counter must be 0 to {MAX_COUNTER}, got {counter}")
    if certificates and _read_key(certificates[0], "the certificate") != key.public:
        raise UsageError(
            f"the certificate is of key {_read_key(certificates[0], 'the certificate').identity}, --key is "
            f"{key.public.identity}"
        )
    file = parse_model_file(content, Path(statement_name))
    if not file.complete:
        raise ModelError(
            f"{statement_name}: no labels inside, and labels beside a model file are not signed: convert it "
            "with edge-convert"
        )
    unsigned = with_zip(file.content, name=statement_name)
    statement = ModelStatement(name=statement_name, counter=counter, sha256=sha256(unsigned))
    block = SignatureBlock(sign(statement, key), tuple(certificates))
    return join_signature(unsigned, to_json(block).encode())


def certify(key: PublicKey, serial: int, issuer: PrivateKey, chain: Sequence[Envelope] = ()) -> str:
    """A certificate, as the JSON of its file: `issuer` says that `key` may sign models.

    Args:
        key: the key that may.
        serial: higher than those of the certificates that it replaces.
        issuer: a trusted key, or one with certificates of its own.
        chain: the issuer's certificates.

    Raises:
        UsageError: the serial number is outside its range, or the chain too long or of another key.
    """
    if not 1 <= serial <= MAX_COUNTER:
        raise UsageError(f"--counter must be 1 to {MAX_COUNTER}, got {serial}")
    if chain and _read_key(chain[0], "the certificate") != issuer.public:
        raise UsageError(f"the certificate is not of --key, which is {issuer.public.identity}")
    if len(chain) >= MAX_CHAIN:
        raise UsageError(f"at most {MAX_CHAIN} certificates in a chain")
    signed = sign(KeyStatement(key=key.raw, serial=serial), issuer)
    return to_json(Certificates((signed, *chain)), indent=2) + "\n"


@dataclass(frozen=True)
class Certificates:
    """The content of a certificate file; see `SignatureBlock.certificates`."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    certificates: tuple[Envelope, ...]
    format: int = 1


def read_certificates(path: Path) -> tuple[Envelope, ...]:
    """Read a certificate file.

    Raises:
        UsageError: it cannot be read, or is something else.
    """
    content = read_file(path, max_bytes=MAX_KEY_BYTES, error=UsageError)
    found = from_json(content, Certificates, name=str(path), error=UsageError).certificates
    if not 1 <= len(found) <= MAX_CHAIN:
        raise UsageError(f"{path}: expected 1 to {MAX_CHAIN} certificates, got {len(found)}")
    return found


def read_signature(file: ModelFile) -> SignatureBlock:
    """The signatures of a model file, not verified.

    Raises:
        ModelError: it has none, or they are damaged.
    """
    if not file.signature:
        raise ModelError(f"{file.name}: not signed; sign it with edge-sign {Path(file.name).name} --key KEY")
    block = from_json(file.signature, SignatureBlock, name=f"{file.name}: signature", error=ModelError)
    if block.format != 1 or len(block.certificates) > MAX_CHAIN:
        raise ModelError(
            f"{file.name}: signature format {block.format} with {len(block.certificates)} certificates; this "
            f"version reads format 1 with at most {MAX_CHAIN}"
        )
    return block


def _read_key(certificate: Envelope, name: str) -> PublicKey:
    return PublicKey(from_json(certificate.payload, KeyStatement, name=name, error=UsageError).key)
