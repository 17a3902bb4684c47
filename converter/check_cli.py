"""`edge-check`: will this model file run there?"""

from pathlib import Path
from typing import Annotated

import typer

from converter.compatibility.runtime_check import Target, check_fit
from edge_runtime.cli.runner import DEBUG, DEBUG_HELP, new_app, run_app
from edge_runtime.core.errors import ExitCode
from edge_runtime.model.model_file import read_content

app = new_app()


@app.command()
def edge_check(
    model: Annotated[Path, typer.Argument(help="Any .tflite file.", show_default=False)],
    target: Annotated[
        list[Target], typer.Option(help="Runtime to check against; may be given more than once.")
    ] = [  # noqa: B006
        Target.LITERT
    ],
    debug: Annotated[bool, typer.Option(DEBUG, help=DEBUG_HELP)] = False,  # noqa: ARG001 - read before parsing
) -> int:
    """Compare a model's operators and their versions with what a runtime has, before anyone copies it."""
    content = read_content(model)
    fits = [check_fit(content, each, name=str(model)) for each in target]
    for fit in fits:
        typer.echo(f"{fit.to_table()}\n{model} {fit.verdict}")
    return ExitCode.DONE if all(fit.fits for fit in fits) else ExitCode.MODEL


def main() -> None:
    """The console script."""
    run_app(lambda: app, "edge-check")
