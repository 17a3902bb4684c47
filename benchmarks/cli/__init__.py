"""`edge-bench`: measure model files beside the Keras model, and check reports against rules."""

from typing import Annotated

import typer

from edge_runtime.cli import new_app, run_app
from edge_runtime.core import VERSION, VERSION_HELP

__all__ = ["build_app", "main"]


def build_app() -> typer.Typer:
    """The commands with their options."""
    from benchmarks.cli.checking import add_checking
    from benchmarks.cli.continuous import add_continuous
    from benchmarks.cli.measuring import add_measuring
    from benchmarks.cli.showing import add_showing

    app = new_app()
    app.callback()(edge_bench)
    for add in (add_measuring, add_checking, add_continuous, add_showing):
        add(app)
    return app


def edge_bench(
    version: Annotated[bool, typer.Option(VERSION, help=VERSION_HELP)] = False,
) -> None:
    """Measure model files beside the Keras model they came from, here or on a board, and check reports."""


def main() -> None:
    """The console script."""
    run_app(build_app, "edge-bench")
