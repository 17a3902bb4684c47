"""Only what a trusted key signed passes, and nothing of the file is outside of the signature."""

import os
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime import EdgeError, ModelError, UsageError, read_model_file
from edge_runtime.core import OutputError
from edge_runtime.model import join_signature, parse_model_file, split_signature, with_zip
from edge_runtime.trust import read_private_key, read_public_keys, sign_model, verify, write_new_key
from tests.conftest import BIN, Command
from tests.signed import Signer, certified, make_signer

ATTACKS = 250


@pytest.fixture
def signer(tmp_path: Path, color_models: dict[str, Path]) -> Signer:
    return make_signer(tmp_path / "keys", color_models["uint8"])


def test_a_signed_file_is_valid_and_otherwise_the_same_file(signer: Signer) -> None:
    signed = signer.sign(7)
    file = parse_model_file(signed, Path("m.tflite"))
    origin = verify(file, read_public_keys(signer.public))
    assert (origin.name, origin.order.counter, origin.order.serial) == ("colors", 7, 0)
    assert origin.signer == origin.trusted == signer.key.public.identity
    plain = parse_model_file(signer.unsigned(7), Path("m.tflite"))
    assert (file.content, file.sha256, file.card, file.labels) == (
        plain.content, plain.sha256, plain.card, plain.labels,
    )  # fmt: skip
    # Signed again, the earlier signature is replaced.
    again = sign_model(signed, "colors", 8, signer.key)
    assert verify(parse_model_file(again, Path("m")), [signer.key.public]).order.counter == 8
    assert len(again) == len(signed)


def test_flipped_and_cut_bytes_anywhere_are_refused(signer: Signer) -> None:
    signed, keys = signer.sign(1), [signer.key.public]
    chance = random.Random(0)
    # All of the end, where zip and signature are, is tried as well as the model.
    places = [chance.randrange(len(signed)) for _ in range(ATTACKS)]
    places += [len(signed) - 1 - chance.randrange(1500) for _ in range(ATTACKS)]
    accepted = []
    for place in places:
        changed = bytearray(signed)
        changed[place] ^= 1 << chance.randrange(8)
        for content in (bytes(changed), signed[:place]):
            try:
                verify(parse_model_file(content, Path("m.tflite")), keys)
            except EdgeError:
                continue
            accepted.append(content)
    # A signature may be written with other characters, such as a space in its JSON: the model is the same.
    original = split_signature(signed)[0]
    assert all(split_signature(content)[0] == original for content in accepted)
    assert len(accepted) < 10


def test_a_signature_of_another_file_or_key_is_refused(signer: Signer, tmp_path: Path) -> None:
    other = make_signer(tmp_path / "other", signer.folder / "signing.key")
    keys = [signer.key.public]
    swapped = join_signature(signer.unsigned(2), split_signature(signer.sign(1))[1])
    for content, reason in (
        (signer.unsigned(1), "not signed"),
        (swapped, "the signature is of another file"),
        (sign_model(signer.unsigned(1), "colors", 1, other.key), "not among the trusted ones"),
    ):
        with pytest.raises(ModelError, match=reason):
            verify(parse_model_file(content, Path("m.tflite")), keys)
    # The key's identity is a hint only: it is not covered by the signature.
    forged = sign_model(signer.unsigned(1), "colors", 1, other.key)
    unsigned, block = split_signature(forged)
    block = block.replace(other.key.public.identity.encode(), signer.key.public.identity.encode())
    with pytest.raises(ModelError, match="the signature is not valid"):
        verify(parse_model_file(join_signature(unsigned, block), Path("m.tflite")), keys)


def test_a_certificate_leads_to_a_trusted_key(signer: Signer, tmp_path: Path) -> None:
    root, other = tmp_path / "root.key", tmp_path / "other.key"
    write_new_key(root)
    write_new_key(other)
    trusted = read_public_keys(root.with_suffix(".pub"))
    chain = certified(tmp_path, read_private_key(root), signer.key.public, 5)
    signed = sign_model(signer.unsigned(1), "colors", 1, signer.key, chain)
    origin = verify(parse_model_file(signed, Path("m")), trusted)
    assert (origin.order.serial, origin.signer, origin.trusted) == (
        5, signer.key.public.identity, trusted[0].identity,
    )  # fmt: skip
    with pytest.raises(UsageError, match="the certificate is of key"):
        sign_model(signer.unsigned(1), "colors", 1, read_private_key(other), chain)
    # Certified by a key that nobody trusts; and without the certificate.
    wrong = certified(tmp_path, read_private_key(other), signer.key.public, 5)
    for certificates in (wrong, ()):
        signed = sign_model(signer.unsigned(1), "colors", 1, signer.key, certificates)
        with pytest.raises(ModelError, match="not among the trusted ones"):
            verify(parse_model_file(signed, Path("m")), trusted)
    # A certificate is not a model's signature.
    block = split_signature(sign_model(signer.unsigned(1), "colors", 1, signer.key, chain))[1]
    model, certificate = b'"model": ', b'"certificates": ['
    at = block.index(certificate) + len(certificate)
    mixed = model + block[at : block.index(b"]", block.index(b"]", at) + 1)]
    unsigned = with_zip(signer.unsigned(1), name="m")
    with pytest.raises(ModelError, match=r"expected application/vnd\.edge-classify\.model"):
        verify(parse_model_file(join_signature(unsigned, b"{%b}" % mixed), Path("m")), trusted)


@settings(max_examples=60)
@given(st.binary(max_size=300), st.binary(max_size=60))
def test_split_and_join_are_inverse(content: bytes, block: bytes) -> None:
    unsigned = with_zip(b"....TFL3" + content.replace(b"PK\x05\x06", b""), name="m")
    assert split_signature(join_signature(unsigned, block)) == (unsigned, block)
    assert split_signature(unsigned) == (unsigned, b"")


@settings(max_examples=200)
@given(st.binary(max_size=400))
def test_any_block_is_refused_in_one_line(block: bytes) -> None:
    content = join_signature(with_zip(b"....TFL3", name="m"), block)
    with pytest.raises(ModelError) as refused:
        verify(parse_model_file(content, Path("m.tflite")), [])
    assert "\n" not in str(refused.value)


def test_labels_beside_the_file_are_not_signed(signer: Signer, color_models: dict[str, Path]) -> None:
    with pytest.raises(ModelError, match="no labels inside"):
        sign_model(color_models["uint8"].read_bytes(), "colors", 1, signer.key)


def test_keys_are_private_encrypted_on_request_and_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.key"
    monkeypatch.setenv("EDGE_KEY_PASSWORD", "secret")
    public = write_new_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_private_key(path).public == public == read_public_keys(path.with_suffix(".pub"))[0]
    with pytest.raises(OutputError, match="never replaced"):
        write_new_key(path)
    for password, reason in (("wrong", "is wrong"), ("", "is encrypted: set")):
        monkeypatch.setenv("EDGE_KEY_PASSWORD", password)
        with pytest.raises(UsageError, match=reason):
            read_private_key(path)


def test_openssl_reads_the_keys_and_ours_reads_its(tmp_path: Path) -> None:
    made = tmp_path / "made.key"
    make = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(made)]
    if subprocess.run(make, capture_output=True, check=False).returncode:
        pytest.skip("openssl is not installed or has no Ed25519")
    key = read_private_key(made)
    shown = subprocess.run(
        ["openssl", "pkey", "-in", made, "-pubout"], capture_output=True, check=True
    ).stdout
    assert shown == key.public.to_pem()
    (tmp_path / "rsa.key").write_bytes(
        subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, check=True).stdout
    )
    with pytest.raises(UsageError, match="expected an Ed25519 key"):
        read_private_key(tmp_path / "rsa.key")


def test_the_command_makes_keys_signs_certifies_and_verifies(
    command: Command, signer: Signer, tmp_path: Path
) -> None:
    model = tmp_path / "colors.tflite"
    model.write_bytes(signer.unsigned(1))

    def run(*arguments: object) -> str:
        done = command("edge-sign", *arguments, cwd=tmp_path)
        assert (done.code, done.err) == (0, ""), done
        return done.out

    assert "root.key is private" in run("--new-key", "root.key")
    run("--new-key", "signing.key")
    assert "serial 3" in run("signing.pub", "--key", "root.key", "--counter", 3, "--out", "s.cert")
    told = run(model, "--key", "signing.key", "--certificate", "s.cert", "--counter", 4)
    assert "colors.tflite is 'colors', counter 4" in told
    assert "certified by" in run(model, "--trust", "root.pub")
    assert read_model_file(model).signature
    for arguments, code in (
        ((model, "--trust", "signing.pub"), 3),
        ((model,), 2),
        (("--key", "root.key"), 2),
        ((model, "--key", "root.pub"), 2),
        ((tmp_path / "none.tflite", "--key", "root.key"), 3),
        (("signing.pub", "--key", "root.key"), 2),
        ((model, "--key", "root.key", "--certificate", "s.cert"), 2),
        (("--new-key", "root.key"), 6),
    ):
        done = command("edge-sign", *arguments, cwd=tmp_path)
        assert (done.code, len(done.err.splitlines()), done.out) == (code, 1, ""), (arguments, done)


def test_signed_models_are_read_by_everything_else(signer: Signer, tmp_path: Path) -> None:
    path = tmp_path / "colors.tflite"
    path.write_bytes(signer.sign(1))
    unpacked = subprocess.run(
        [BIN / "python", "-m", "zipfile", "-l", path], capture_output=True, text=True, check=True
    ).stdout
    assert "labels.txt" in unpacked
    assert "card.json" in unpacked
    assert os.fspath(path)
