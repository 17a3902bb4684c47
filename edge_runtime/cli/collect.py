"""`edge-collect`: save diverse frames of a camera or a video for labelling, without a model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_runtime.cli.runner import new_app, run_app, say
from edge_runtime.core import ExitCode, parameter, with_options

if TYPE_CHECKING:
    from edge_runtime.pipeline import CollectConfig

EXAMPLES = (
    "edge-collect --camera 0 collection/",
    "edge-collect --input video.mp4 collection/ --collect-seconds 0",
)


def build_app() -> typer.Typer:
    """The command with its options."""
    from edge_runtime.pipeline import CollectConfig

    folder = typer.Argument(help="Folder to save the frames in.", show_default=False)
    leading = parameter("folder", Annotated[Path | None, folder], None)
    app = new_app()
    app.command()(with_options(edge_collect, CollectConfig, leading, name="edge-collect", examples=EXAMPLES))
    return app


def edge_collect(config: "CollectConfig") -> int:
    """Save diverse frames for labelling, without a model: blurred, dark and repeated ones are left out."""
    from edge_runtime.pipeline import collect

    collector = collect(config, say)
    typer.echo(
        f"{collector.saved} frames saved, {collector.total} in {config.folder} "
        f"(next: edge-label {config.folder} --into DATA)"
    )
    return ExitCode.DONE


def main() -> None:
    """The console script."""
    run_app(build_app, "edge-collect")
