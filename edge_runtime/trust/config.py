"""The options of `edge-sign` as one frozen value."""

from dataclasses import dataclass
from pathlib import Path

from edge_runtime.core import UsageError, check_ranges, option
from edge_runtime.trust.signing import MAX_COUNTER

SIGN, CHECK = "Sign", "Make and check"
USAGE = "give one of --key FILE to sign, --trust FILE to verify a signature, --new-key FILE to make a key"


@dataclass(frozen=True, kw_only=True)
class SignConfig:
    """All options of `edge-sign`; each field but `file` is an option of that name."""

    file: Path | None = None
    key: Path | None = option(None, "Private key (PEM); $EDGE_KEY_PASSWORD decrypts it.", panel=SIGN)
    certificate: Path | None = option(
        None, "Certificate of --key, where devices trust the key that signed it.", panel=SIGN
    )
    name: str | None = option(
        None,
        "What the model is for; a device takes no model of another name.",
        shown="the file's",
        panel=SIGN,
    )
    counter: int | None = option(
        None,
        "Number of this version: a device takes no model with a lower one.",
        0,
        MAX_COUNTER,
        shown="the seconds since 1970",
        panel=SIGN,
    )
    out: Path | None = option(
        None, "File to write; needed for a certificate.", shown="the model file itself", panel=SIGN
    )

    new_key: Path | None = option(
        None, "Make a key: the private one into this file, the public one beside it (.pub).", panel=CHECK
    )
    trust: Path | None = option(None, "Verify the model file with these public keys.", panel=CHECK)

    def __post_init__(self) -> None:
        """Refuse invalid combinations.

        Raises:
            UsageError: a value is outside its range, or it is not clear what is to be done.
        """
        check_ranges(self)
        if sum(each is not None for each in (self.key, self.new_key, self.trust)) != 1:
            raise UsageError(USAGE)
        if (self.file is None) != (self.new_key is not None):
            raise UsageError(
                "name the model file, or the public key, to sign or to verify; none with --new-key"
            )
