"""Pages with plots are made where their libraries are installed; a board has neither."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from edge_runtime.core import write_file

LIBRARIES = ("matplotlib", "jinja2")


def write_page(path: Path, make: Callable[[], str]) -> bool:
    """Write a page, if that is possible here.

    Args:
        path: of the page.
        make: renders it.

    Returns:
        Whether it was written.
    """
    if not all(find_spec(library) for library in LIBRARIES):
        return False
    write_file(path, make())
    return True
