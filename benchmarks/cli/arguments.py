"""How the commands of `edge-bench` are declared."""

from typing import Annotated, Any

import typer

from edge_runtime.core import parameter

MEASURING, CHECKING, SHOWING = "Measure", "Check", "Show"
"""Panels of `edge-bench --help`."""


def argument(name: str, kind: Any, text: str) -> Any:
    """An argument of a command."""
    return parameter(name, Annotated[kind | None, typer.Argument(help=text, show_default=False)], None)
