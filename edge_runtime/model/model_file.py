"""The model file: one `.tflite` with its labels and its card in the zip that the format allows at the end."""

import io
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edge_runtime.core import ModelError, read_file, sha256
from edge_runtime.model.card import ModelCard
from edge_runtime.model.labels import decode_labels, format_labels, read_labels
from edge_runtime.model.signature_block import split_signature

CARD_NAME = "card.json"
LABELS_NAME = "labels.txt"
MAX_FILE_BYTES = 1024**3
MAX_MEMBER_BYTES = 32 * 1024**2
MAX_MEMBERS = 64

# A flatbuffer's file identifier is in its bytes 4 to 8.
_IDENTIFIER = b"TFL3"
_METADATA = b"TFLITE_METADATA"
# A fixed date, so that the same model gives the same bytes.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError,
)  # fmt: skip


@dataclass(frozen=True)
class ModelFile:
    """A model file in memory, read completely: a file truncated while it is mapped kills the process.

    Attributes:
        content: the bytes of the `.tflite`, without its signature.
        labels: one per output; empty where neither the file nor one beside it names any.
        card: None in a file that another toolkit made.
        name: how messages call it.
        signature: the signature block, not verified; empty where there is none.
        complete: whether the labels are those inside the content.
    """

    content: bytes
    labels: tuple[str, ...]
    card: ModelCard | None
    name: str
    signature: bytes = b""
    complete: bool = True

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file without its signature, in hexadecimal; computed once."""
        return sha256(self.content)

    @property
    def labels_advice(self) -> str:
        """Why there are no labels, and what to do."""
        path = Path(self.name)
        # Metadata names a label file, which is at the very end.
        truncated = _METADATA in self.content and not zipfile.is_zipfile(io.BytesIO(self.content))
        return (
            f"{self.name}: no labels inside, and neither {path.with_suffix('.txt').name} nor {LABELS_NAME} "
            "beside it; name them with --labels FILE"
            f"{' (its metadata names labels: the file was truncated, copy it again)' if truncated else ''}"
        )


def read_model_file(path: Path, labels: Path | None = None) -> ModelFile:
    """Read a `.tflite` with its labels and card.

    Args:
        path: the model file.
        labels: a label file that replaces the one inside; without either, a file of the model's own name
            ending in `.txt`, or `labels.txt` beside the model is taken.

    Raises:
        ModelError: not a TensorFlow Lite file, or damaged labels or card.
    """
    return parse_model_file(read_file(path, max_bytes=MAX_FILE_BYTES, error=ModelError), path, labels)


def parse_model_file(whole: bytes, path: Path, labels: Path | None = None) -> ModelFile:
    """Take the bytes of a `.tflite` apart; see `read_model_file`.

    Raises:
        ModelError: not a TensorFlow Lite file, or damaged labels or card.
    """
    _check_identifier(whole, path)
    # Only what a signature covers is read.
    content, signature = split_signature(whole)
    members = _read_members(content, path)
    card, complete = None, labels is None
    if CARD_NAME in members:
        card = ModelCard.from_json(members[CARD_NAME], name=f"{path}: {CARD_NAME}")
    if labels is not None:
        names = read_labels(labels)
    elif card is not None:
        names = card.labels
    else:
        # Whether labels are needed at all is known when the model's outputs are.
        inside = _labels_inside(members, path)
        complete = inside is not None
        names = inside or _labels_beside(path) or ()
    return ModelFile(
        content=content, labels=names, card=card, name=str(path), signature=signature, complete=complete
    )


def read_content(path: Path) -> bytes:
    """Read the bytes of a `.tflite`.

    Raises:
        ModelError: it cannot be read, is too large, or is not a TensorFlow Lite model.
    """
    content = read_file(path, max_bytes=MAX_FILE_BYTES, error=ModelError)
    _check_identifier(content, path)
    return content


def pack_model_file(model: bytes, card: ModelCard) -> bytes:
    """Append labels and card to a `.tflite`; the same arguments give the same bytes."""
    buffer = io.BytesIO()
    buffer.write(model)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        # Stored, not deflated: other readers take the bytes as they are.
        for name, text in ((LABELS_NAME, format_labels(card.labels)), (CARD_NAME, card.to_json())):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), text.encode())
    return buffer.getvalue()


def _check_identifier(content: bytes, path: Path) -> None:
    if content[4:8] != _IDENTIFIER:
        raise ModelError(
            f"{path}: not a TensorFlow Lite model ({len(content)} bytes, no {_IDENTIFIER.decode()} mark)"
        )


def _read_members(content: bytes, path: Path) -> dict[str, bytes]:
    """The card and the label files of the zip at the end; nothing else is unpacked."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OverflowError):
        return {}
    except NotImplementedError as error:
        raise ModelError(f"{path}: the files inside are damaged ({error}); copy the model again") from error
    everything = archive.infolist()
    entries = [each for each in everything if each.filename == CARD_NAME or _is_label_file(each.filename)]
    if len(everything) > MAX_MEMBERS or sum(each.file_size for each in entries) > MAX_MEMBER_BYTES:
        raise ModelError(f"{path}: the files inside are more or larger than a model's labels and card can be")
    try:
        return {entry.filename: archive.read(entry) for entry in entries}
    except _DAMAGED as error:
        raise ModelError(f"{path}: the files inside are damaged ({error}); copy the model again") from error


def _is_label_file(name: str) -> bool:
    return name.lower().endswith(".txt")


def _labels_inside(members: dict[str, bytes], path: Path) -> tuple[str, ...] | None:
    texts = [name for name in members if _is_label_file(name)]
    if LABELS_NAME in texts:
        texts = [LABELS_NAME]
    if len(texts) != 1:
        return None
    return decode_labels(members[texts[0]], name=f"{path}: {texts[0]}")


def _labels_beside(path: Path) -> tuple[str, ...] | None:
    for candidate in (path.with_suffix(".txt"), path.with_name(LABELS_NAME)):
        if candidate.is_file():
            return read_labels(candidate)
    return None
