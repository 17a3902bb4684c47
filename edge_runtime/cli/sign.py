"""`edge-sign`: make keys, sign model files and keys, verify signatures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from edge_runtime.cli.runner import new_app, run_app
from edge_runtime.core import (
    ExitCode,
    ModelError,
    UsageError,
    clock,
    parameter,
    read_file,
    with_options,
    write_file,
)
from edge_runtime.model import MAX_FILE_BYTES, read_content, read_model_file
from edge_runtime.trust import (
    USAGE,
    Envelope,
    PrivateKey,
    SignConfig,
    certify,
    public_name,
    read_certificates,
    read_private_key,
    read_public_keys,
    sign_model,
    verify,
    write_new_key,
)

EXAMPLES = (
    "edge-sign --new-key signing.key",
    "edge-sign birds.tflite --key signing.key",
    "edge-sign birds.tflite --trust signing.pub",
    "edge-sign signing.pub --key root.key --out signing.cert",
    "edge-sign birds.tflite --key signing.key --certificate signing.cert",
)
MAX_COMMENT_BYTES = 4096
"""A public key's file begins with its key or with so long a comment."""

_PEM = b"-----BEGIN PUBLIC KEY-----"


def build_app() -> typer.Typer:
    """The command with its options."""
    file = typer.Argument(help="Model file, or a public key that may sign models.", show_default=False)
    leading = parameter("file", Annotated[Path | None, file], None)
    app = new_app()
    app.command()(with_options(edge_sign, SignConfig, leading, name="edge-sign", examples=EXAMPLES))
    return app


def edge_sign(config: SignConfig) -> int:
    """Sign model files, so that a device with --trust takes no others."""
    if config.new_key is not None:
        return _make_key(config.new_key)
    if config.file is not None and config.trust is not None:
        return _verify(config.file, config.trust)
    if config.file is not None and config.key is not None:
        return _sign(config, config.file, read_private_key(config.key))
    raise UsageError(USAGE)


def main() -> None:
    """The console script."""
    run_app(build_app, "edge-sign")


def _make_key(path: Path) -> int:
    public = write_new_key(path)
    typer.echo(
        f"key {public.identity}: {path} is private, keep it off the devices; {public_name(path)} goes there"
    )
    typer.echo(
        f"next: edge-sign MODEL --key {path}, and edge-classify --trust {public_name(path)} on the device"
    )
    return ExitCode.DONE


def _sign(config: SignConfig, path: Path, key: PrivateKey) -> int:
    chain = read_certificates(config.certificate) if config.certificate else ()
    counter = config.counter if config.counter is not None else int(clock.wall_time())
    content = read_file(path, max_bytes=MAX_FILE_BYTES, error=ModelError)
    if _PEM in content[:MAX_COMMENT_BYTES]:
        return _sign_key(config, path, key, chain, counter)
    name, out = config.name if config.name is not None else path.stem, config.out or path
    write_file(out, sign_model(read_content(path), name, counter, key, chain))
    typer.echo(f"signed: {out} is {name!r}, counter {counter}, by key {key.public.identity}")
    return ExitCode.DONE


def _sign_key(
    config: SignConfig, path: Path, issuer: PrivateKey, chain: Sequence[Envelope], serial: int
) -> int:
    if config.out is None or config.name is not None:
        raise UsageError("a public key becomes a certificate: name its file with --out FILE, and no --name")
    key, *others = read_public_keys(path)
    if others:
        raise UsageError(f"{path}: expected one public key, got {1 + len(others)}")
    write_file(config.out, certify(key, serial, issuer, chain))
    typer.echo(
        f"certificate: {config.out}: key {key.identity} may sign models where {issuer.public.identity} is "
        f"trusted (serial {serial})"
    )
    return ExitCode.DONE


def _verify(path: Path, trusted: Path) -> int:
    origin = verify(read_model_file(path), read_public_keys(trusted))
    typer.echo(
        f"valid: {path} is {origin.name!r}, counter {origin.order.counter}, SHA-256 {origin.sha256}; "
        f"signed by key {origin.signer}"
        + (f" (serial {origin.order.serial}), certified by {origin.trusted}" if origin.order.serial else "")
    )
    return ExitCode.DONE
