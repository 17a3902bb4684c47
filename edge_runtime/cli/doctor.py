"""`edge-doctor`: what can this machine run, and what is missing?"""

from pathlib import Path
from typing import Annotated

import typer

from edge_runtime.cli.runner import DEBUG, DEBUG_HELP, new_app, run_app
from edge_runtime.core.errors import ExitCode

app = new_app()


@app.command()
def edge_doctor(
    model: Annotated[
        Path | None, typer.Argument(help="A model file that is to run here.", show_default=False)
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print a JSON object instead of lines.")] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help=DEBUG_HELP)] = False,  # noqa: ARG001 - read before parsing
) -> int:
    """Examine this machine: libraries, cameras, processor, disk, and a model file."""
    from edge_runtime.cli.doctor_checks import Level, examine, to_json

    findings = examine(model)
    if json_:
        typer.echo(to_json(findings))
    else:
        for finding in findings:
            typer.echo(f"{finding.level:8}{finding.topic:10} {finding.text}")
            if finding.remedy:
                typer.echo(f"{'':18} -> {finding.remedy}")
    sick = any(finding.level is Level.PROBLEM for finding in findings)
    return ExitCode.GATE if sick else ExitCode.DONE


def main() -> None:
    """The console script."""
    run_app(lambda: app, "edge-doctor")
