"""`edge-doctor`: check what this machine can run and what is missing."""

from pathlib import Path
from typing import Annotated

import typer

from edge_runtime.cli.runner import new_app, run_app
from edge_runtime.core import DEBUG, DEBUG_HELP, VERSION, VERSION_HELP, ExitCode, text_table

app = new_app()


@app.command()
def edge_doctor(
    model: Annotated[
        Path | None, typer.Argument(help="Model file to check on this machine.", show_default=False)
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help=DEBUG_HELP)] = False,  # noqa: ARG001 - read before parsing
    version: Annotated[bool, typer.Option(VERSION, help=VERSION_HELP)] = False,  # noqa: ARG001 - the same
) -> int:
    """Check this machine: libraries, cameras, processor, disk, and a model file.

    \b
      edge-doctor
      edge-doctor birds.tflite
    """  # noqa: D301 - Typer's mark for lines that stay as they are
    from edge_runtime.cli.doctor_checks import Level, examine, to_json

    findings = examine(model)
    if json_:
        typer.echo(to_json(findings))
    else:
        rows: list[tuple[str, str, str]] = []
        for finding in findings:
            rows.append((finding.level, finding.topic, finding.text))
            rows += [("", "", f"-> {finding.remedy}")] if finding.remedy else []
        typer.echo(text_table(rows))
    has_problem = any(finding.level is Level.PROBLEM for finding in findings)
    return ExitCode.GATE if has_problem else ExitCode.DONE


def main() -> None:
    """The console script."""
    run_app(lambda: app, "edge-doctor")
