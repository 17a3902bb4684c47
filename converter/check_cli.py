"""`edge-check`: check whether a model file runs on a runtime."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_runtime.cli import new_app, run_app
from edge_runtime.core import ExitCode, parameter, with_options

if TYPE_CHECKING:
    from converter.config import CheckConfig

EXAMPLES = (
    "edge-check birds.tflite --target tflite-runtime-2.14",
    "edge-check birds.tflite --target litert --target edgetpu",
)


def build_app() -> typer.Typer:
    """The command with its options."""
    from converter.config import CheckConfig

    argument = typer.Argument(help="Any .tflite file.", show_default=False)
    leading = parameter("model", Annotated[Path | None, argument], None)
    command = with_options(
        edge_check,
        CheckConfig,
        leading,
        name="edge-check",
        examples=EXAMPLES,
    )
    app = new_app()
    app.command()(command)
    return app


def edge_check(config: "CheckConfig") -> int:
    """Compare a model's operators and their versions with those of a runtime."""
    from converter.compatibility import check_fit
    from edge_runtime.model import read_content

    content = read_content(config.model)
    fits = [check_fit(content, each, name=str(config.model)) for each in config.target]
    for fit in fits:
        typer.echo(f"{fit.to_table()}\n{config.model} {fit.verdict}")
    return ExitCode.DONE if all(fit.fits for fit in fits) else ExitCode.MODEL


def main() -> None:
    """The console script."""
    run_app(build_app, "edge-check")
