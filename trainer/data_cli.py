"""`edge-data`: what is wrong with a data set, before weeks are lost."""

from typing import Annotated

import typer

from edge_runtime.cli import new_app, run_app
from edge_runtime.core import ExitCode, Reporter, parameter, with_options
from trainer.examination import ExamineConfig

EXAMPLES = (
    "edge-data birds/",
    "edge-data birds/ --run run --out examination",
)


def build_app() -> typer.Typer:
    """The command with its options."""
    argument = typer.Argument(help="Data as edge-train takes it.", show_default=False)
    leading = parameter("data", Annotated[str | None, argument], None)
    app = new_app()
    app.command()(with_options(edge_data, ExamineConfig, leading, name="edge-data", examples=EXAMPLES))
    return app


def edge_data(config: ExamineConfig) -> int:
    """Examine a data set: wrong labels, near-duplicates, bad images, and whether more images would help."""
    from trainer.examination.examine import examine
    from trainer.examination.report import PAGE, SUSPECTS, write_report

    with Reporter() as reporter:
        examination, dataset = examine(config, reporter)
        write_report(config.out, examination, dataset)
    for line in examination.verdicts:
        typer.echo(line)
    typer.echo(f"report: {config.out / PAGE}")
    if examination.suspects and dataset.root.is_dir():
        typer.echo(f"next: edge-label --suspects {config.out / SUSPECTS} --into {config.data}")
    return ExitCode.DONE


def main() -> None:
    """The console script."""
    run_app(build_app, "edge-data")
