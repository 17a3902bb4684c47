"""Signed statements: DSSE envelopes with Ed25519 signatures.

Sources: DSSE, https://github.com/secure-systems-lab/dsse (protocol.md, envelope.md); Ed25519, RFC 8032.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from edge_runtime.core import CLOSED, OPEN, ModelError, from_json, to_json
from edge_runtime.trust.keys import PrivateKey, PublicKey

Statement = TypeVar("Statement", "ModelStatement", "KeyStatement")


@dataclass(frozen=True, kw_only=True)
class ModelStatement:
    """What is signed of a model.

    Attributes:
        name: what the model is for; a device takes only models of the name that it began with.
        counter: of two models of one name the one with the higher counter is the newer one.
        sha256: of the model file without its signature, in hexadecimal.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = OPEN
    payload_type: ClassVar[str] = "application/vnd.edge-classify.model+json"

    name: str
    counter: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class KeyStatement:
    """What is signed of a key that may sign models: a certificate.

    Attributes:
        key: the public key, 32 bytes.
        serial: a device that took a model of this key takes none of a key with a lower serial any more.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = OPEN
    payload_type: ClassVar[str] = "application/vnd.edge-classify.key+json"

    key: bytes
    serial: int


@dataclass(frozen=True)
class Signature:
    """One signature of an envelope, with the identity of its key."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = OPEN

    keyid: str
    sig: bytes


@dataclass(frozen=True)
class Envelope:
    """A signed statement, as DSSE writes it.

    Attributes:
        payload: the statement as JSON.
        payloadType: which kind of statement it is.
        signatures: exactly one here.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    payload: bytes
    payloadType: str  # noqa: N815 - DSSE's name
    signatures: tuple[Signature, ...]


def sign(statement: ModelStatement | KeyStatement, key: PrivateKey) -> Envelope:
    """Sign a statement."""
    payload = to_json(statement).encode()
    signature = key.sign(_signed_bytes(statement.payload_type, payload))
    return Envelope(payload, statement.payload_type, (Signature(key.public.identity, signature),))


def open_envelope(envelope: Envelope, kind: type[Statement], key: PublicKey, *, name: str) -> Statement:
    """The statement in an envelope, after its signature was verified.

    Args:
        envelope: the signed statement.
        kind: of statement that is expected.
        key: whose signature is expected.
        name: how messages call it.

    Raises:
        ModelError: another kind of statement, not exactly one signature, or not of that key.
    """
    if envelope.payloadType != kind.payload_type:
        raise ModelError(f"{name}: expected {kind.payload_type}, got {envelope.payloadType!r:.80}")
    if len(envelope.signatures) != 1:
        raise ModelError(f"{name}: expected one signature, got {len(envelope.signatures)}")
    (signature,) = envelope.signatures
    key.verify(signature.sig, _signed_bytes(envelope.payloadType, envelope.payload), name=name)
    return from_json(envelope.payload, kind, name=name, error=ModelError)


def _signed_bytes(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: no other type and payload give the same bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
