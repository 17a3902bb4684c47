"""Where a signature is in a model file: the comment at the end of its zip.

What is signed is the file with that comment left out, byte for byte: nothing of the file is outside of the
signature, and other readers of the zip skip it. Layout: APPNOTE.TXT 4.3.16, end of central directory.
"""

from edge_runtime.core import ModelError

_END = b"PK\x05\x06"
_END_BYTES = 22
_EMPTY_ZIP = _END + bytes(_END_BYTES - len(_END))
_MARK = b"edge-classify signature\n"
MAX_BLOCK_BYTES = 65_535 - len(_MARK)
"""A comment's length has 16 bits."""


def split_signature(content: bytes) -> tuple[bytes, bytes]:
    """The model file without its signature, and the signature block; empty where there is none."""
    end = content.find(_END, max(0, len(content) - _END_BYTES - 65_535))
    while end >= 0:
        place = end + _END_BYTES
        length = int.from_bytes(content[place - 2 : place], "little")
        if place + length == len(content) and content[place:].startswith(_MARK):
            return content[: place - 2] + bytes(2), content[place + len(_MARK) :]
        end = content.find(_END, end + 1)
    return content, b""


def join_signature(unsigned: bytes, block: bytes) -> bytes:
    """The model file with a signature block; `split_signature` takes it apart again.

    Args:
        unsigned: a model file that ends with a zip without a comment, see `with_zip`.
        block: the signatures, at most `MAX_BLOCK_BYTES`.

    Raises:
        ModelError: the block is too large for the place.
    """
    comment = _MARK + block
    if len(block) > MAX_BLOCK_BYTES:
        raise ModelError(
            f"a signature of {len(block)} bytes: at most {MAX_BLOCK_BYTES} fit into a model file"
        )
    return unsigned[:-2] + len(comment).to_bytes(2, "little") + comment


def with_zip(content: bytes, *, name: str) -> bytes:
    """A model file that ends with a zip: an empty one is appended to a file that has none.

    Raises:
        ModelError: its zip has a comment of another program, which a signature would replace.
    """
    if content[-_END_BYTES:][: len(_END)] == _END and content[-2:] == bytes(2):
        return content
    if _END in content[-(65_535 + _END_BYTES) :]:
        raise ModelError(f"{name}: the zip inside has a comment, which is where the signature goes")
    return content + _EMPTY_ZIP
