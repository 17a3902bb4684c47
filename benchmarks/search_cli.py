"""`edge-search`: the best small model within a budget of time and size."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from benchmarks.search.config import SearchConfig
from edge_runtime.cli import new_app, run_app
from edge_runtime.core import ExitCode, parameter, read_options, with_options

EXAMPLES = (
    "edge-search birds/ --max-ms 15 --out search",
    "edge-search birds/ --probe probe.bundle.zip",
    "edge-search birds/ --max-ms 40 --max-mb 2 --device report/report.json",
    "edge-search --resume --out search",
)


def build_app() -> typer.Typer:
    """The command with its options."""
    argument = typer.Argument(help="Data as edge-train takes it.", show_default=False)
    leading = parameter("data", Annotated[str | None, argument], None)
    command = with_options(
        edge_search, SearchConfig, leading, name="edge-search", examples=EXAMPLES, defaults=_earlier_options
    )
    app = new_app()
    app.command()(command)
    return app


def edge_search(config: SearchConfig) -> int:
    """Find the width and image size with the best accuracy within a budget, and train that model."""
    from benchmarks.search import SearchFiles, search, write_probe_of
    from trainer import TrainingReporter

    files = SearchFiles(config.out)
    with TrainingReporter() as reporter:
        if config.probe is not None:
            count = write_probe_of(config, config.probe, reporter)
            typer.echo(f"written: {config.probe}: {count} untrained models to time")
            typer.echo(f"on the device: edge-bench run {config.probe.name} --out report")
            typer.echo(f"then here: edge-search {config.data} --device report/report.json --max-ms …")
            return ExitCode.DONE
        found = search(config, reporter)
    typer.echo(f"picked: {found.reason}")
    typer.echo(f"report: {files.page}")
    if found.winner is not None:
        typer.echo(f"run: {files.run_of(found.winner.trained.candidate)}")
    typer.echo(f"model: {files.model} (next: edge-classify -m {files.model} --input IMAGE)")
    return ExitCode.DONE


def _earlier_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the search to continue: they need not be given again."""
    if not given["resume"]:
        return {}
    path = (given["out"] or SearchConfig.out) / "config.toml"
    return read_options(path, SearchConfig, "edge-search") if path.is_file() else {}


def main() -> None:
    """The console script."""
    run_app(build_app, "edge-search")
