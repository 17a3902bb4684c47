"""Verify the signature of a model file against trusted keys."""

from collections.abc import Sequence
from dataclasses import dataclass

from edge_runtime.core import ModelError
from edge_runtime.model import ModelFile
from edge_runtime.trust.envelope import Envelope, KeyStatement, ModelStatement, open_envelope
from edge_runtime.trust.keys import PublicKey
from edge_runtime.trust.signing import read_signature

KEY_BYTES = 32


@dataclass(frozen=True, order=True)
class Order:
    """Which of two models of one name is newer: the one of the later certificate, then the higher counter.

    Attributes:
        serial: of the certificate of the key that signed it; 0 where a trusted key signed it itself.
        counter: of the model.
    """

    serial: int
    counter: int


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a verified signature says of a model file.

    Attributes:
        name: what the model is for.
        order: which of two models is newer.
        sha256: of the model file without its signature.
        signer: identity of the key that signed it.
        trusted: identity of the trusted key that it leads to.
    """

    name: str
    order: Order
    sha256: str
    signer: str
    trusted: str

    @property
    def version(self) -> str:
        """The version for people: the counter, and the first digits of the hash."""
        return f"{self.order.counter} ({self.sha256[:12]})"


def verify(file: ModelFile, trusted: Sequence[PublicKey]) -> Origin:
    """Verify the signature of a model file.

    Args:
        file: the model file, with the labels that are inside it.
        trusted: keys; one of them must have signed the model, or the last certificate.

    Raises:
        ModelError: it is not signed, the signature is not valid or does not lead to a trusted key, or labels
            come from elsewhere.
    """
    block = read_signature(file)
    chain = [block.model, *block.certificates]
    root = _trusted_key(chain[-1], trusted, file.name)
    key, serial = root, 0
    # From the trusted key down: each certificate is verified before its key is used.
    for certificate in reversed(block.certificates):
        held = open_envelope(certificate, KeyStatement, key, name=f"{file.name}: certificate")
        if len(held.key) != KEY_BYTES or held.serial < 1:
            raise ModelError(f"{file.name}: certificate: expected a key of {KEY_BYTES} bytes and a serial")
        key, serial = PublicKey(held.key), held.serial
    statement = open_envelope(block.model, ModelStatement, key, name=f"{file.name}: signature")
    if statement.sha256 != file.sha256:
        raise ModelError(
            f"{file.name}: the signature is of another file: SHA-256 {statement.sha256:.12}, this is "
            f"{file.sha256[:12]}"
        )
    if not file.complete:
        raise ModelError(f"{file.name}: its labels are in another file, which nobody signed")
    if statement.counter < 0:
        raise ModelError(f"{file.name}: signature: the counter is {statement.counter}")
    return Origin(
        name=statement.name,
        order=Order(serial, statement.counter),
        sha256=file.sha256,
        signer=key.identity,
        trusted=root.identity,
    )


def _trusted_key(envelope: Envelope, trusted: Sequence[PublicKey], name: str) -> PublicKey:
    """The trusted key that an envelope says it is signed by."""
    wanted = {signature.keyid for signature in envelope.signatures}
    found = next((key for key in trusted if key.identity in wanted), None)
    if found is None:
        raise ModelError(
            f"{name}: signed by key {', '.join(sorted(wanted))!s:.80}, which is not among the trusted ones: "
            f"{', '.join(key.identity for key in trusted)}"
        )
    return found
