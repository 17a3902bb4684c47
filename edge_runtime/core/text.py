"""Checks and conversions of text from outside: UTF-8, control characters, line breaks."""


def is_text(text: str) -> bool:
    """Whether text can be encoded as UTF-8; file names may contain bytes that cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(text: str) -> str:
    """Replace control characters and line breaks by `?`, so that text cannot control a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def one_line(value: object) -> str:
    """The text of a value with all white space, line breaks included, reduced to single spaces."""
    return " ".join(str(value).split())
