"""Signed model files: keys, signatures, and what a device remembers of the models that it ran."""

from edge_runtime.trust.config import USAGE, SignConfig
from edge_runtime.trust.envelope import Envelope
from edge_runtime.trust.history import History, Trial, TrustedModels
from edge_runtime.trust.keys import (
    PrivateKey,
    PublicKey,
    public_name,
    read_private_key,
    read_public_keys,
    write_new_key,
)
from edge_runtime.trust.signing import certify, read_certificates, sign_model
from edge_runtime.trust.verification import Order, Origin, verify

__all__ = [
    "USAGE",
    "Envelope",
    "History",
    "Order",
    "Origin",
    "PrivateKey",
    "PublicKey",
    "SignConfig",
    "Trial",
    "TrustedModels",
    "certify",
    "public_name",
    "read_certificates",
    "read_private_key",
    "read_public_keys",
    "sign_model",
    "verify",
    "write_new_key",
]
