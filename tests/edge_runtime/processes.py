"""Look at real processes."""

from pathlib import Path


def children(parent: int, words: str = "") -> list[int]:
    """The living processes that a process has started, directly, with these words in their command line."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = status.read_text().rpartition(")")[2].split()
            line = (status.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if after_name[0] != "Z" and int(after_name[1]) == parent and words in line:
            found.append(int(status.parent.name))
    return found
