import hashlib
import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from edge_runtime import ModelCard, ModelError, load_classifier, pack_model_file, read_model_file

CARD = ModelCard(labels=("rouge, à l'œil", '"quoted"', " 3 spaces "), image_size=(8, 8))


@pytest.fixture
def bare(color_models: dict[str, Path], tmp_path: Path) -> Path:
    path = tmp_path / "bare.tflite"
    path.write_bytes(color_models["uint8"].read_bytes())
    return path


def test_labels_and_card_travel_inside(bare: Path) -> None:
    bare.write_bytes(pack_model_file(bare.read_bytes(), CARD))
    file = read_model_file(bare)
    assert file.card == CARD
    assert file.labels == CARD.labels


def test_the_same_card_gives_the_same_bytes(bare: Path) -> None:
    assert pack_model_file(bare.read_bytes(), CARD) == pack_model_file(bare.read_bytes(), CARD)


def test_a_foreign_model_takes_its_labels_from_beside_it_or_from_the_option(bare: Path) -> None:
    with pytest.raises(
        ModelError, match=r"no labels inside, and neither bare\.txt nor labels\.txt beside it; name them with"
    ) as caught:
        load_classifier(bare)
    # Nothing was truncated here: no metadata promises labels.
    assert "truncated" not in str(caught.value)
    bare.with_name("labels.txt").write_text("0 r\n1 g\n2 b\n")
    assert read_model_file(bare).labels == ("r", "g", "b")
    bare.with_name("bare.txt").write_text("rot\ngrün\nblau\n", encoding="utf-8")
    assert read_model_file(bare).labels == ("rot", "grün", "blau")
    bare.with_name("other.txt").write_text("x\ny\nz\n")
    file = read_model_file(bare, bare.with_name("other.txt"))
    assert file.labels == ("x", "y", "z")
    assert file.card is None


def test_a_foreign_label_file_inside_is_found_whatever_its_name(bare: Path) -> None:
    with zipfile.ZipFile(bare, "a") as archive:
        archive.writestr("imagenet_labels.txt", "r\ng\nb\n")
    assert read_model_file(bare).labels == ("r", "g", "b")


@pytest.mark.parametrize("content", [b"", b"tiny", b"x" * 4096, b"PK\x03\x04" + b"\0" * 100])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"no\.tflite: not a TensorFlow Lite model"):
        read_model_file(path)


def test_a_zip_bomb_inside_is_refused(bare: Path) -> None:
    buffer = io.BytesIO(bare.read_bytes())
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.txt", b"\n" * (64 * 1024**2))
    bare.write_bytes(buffer.getvalue())
    with pytest.raises(ModelError, match="more or larger"):
        read_model_file(bare)


@pytest.mark.slow
def test_a_truncated_model_file_behind_its_metadata_says_so(digits_model: Path, tmp_path: Path) -> None:
    content = digits_model.read_bytes()
    cut = tmp_path / "cut.tflite"
    cut.write_bytes(content[: content.index(b"PK\x03\x04") + 100])
    with pytest.raises(ModelError, match=r"no labels inside.*truncated, copy it again"):
        load_classifier(cut)


def test_a_flipped_bit_in_the_card_is_noticed(bare: Path) -> None:
    packed = bytearray(pack_model_file(bare.read_bytes(), CARD))
    packed[packed.index(b'"alpha"') + 1] ^= 1
    bare.write_bytes(packed)
    with pytest.raises(ModelError, match="damaged"):
        read_model_file(bare)


def test_many_files_that_are_small_each_are_refused_together(bare: Path) -> None:
    with zipfile.ZipFile(bare, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(60):
            archive.writestr(f"{number}.txt", b"\n" * (31 * 1024**2))
    assert bare.stat().st_size < 4 * 1024**2
    with pytest.raises(ModelError, match="more or larger"):
        read_model_file(bare)


def test_what_is_of_no_use_in_a_model_file_is_left_packed(bare: Path) -> None:
    with zipfile.ZipFile(bare, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("photo.bin", b"\0" * (200 * 1024**2))
        archive.writestr("labels.txt", "r\ng\nb\n")
    tracemalloc.start()
    assert read_model_file(bare).labels == ("r", "g", "b")
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 1024**2


def test_a_model_file_is_hashed_once(bare: Path) -> None:
    file = read_model_file(bare)
    assert file.sha256 is file.sha256
    assert file.sha256 == hashlib.sha256(bare.read_bytes()).hexdigest()
