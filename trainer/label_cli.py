"""`edge-label`: label images in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from edge_runtime.cli import new_app, run_app, say
from edge_runtime.core import ExitCode, parameter, with_options
from trainer.labelling import LabelConfig, label_images

EXAMPLES = (
    "edge-label collection/ --into birds/",
    "edge-label collection/ --into birds/ --model birds.tflite",
    "edge-label --suspects examination/suspects.json --into birds/",
)


def build_app() -> typer.Typer:
    """The command with its options."""
    argument = typer.Argument(
        help="Collections of edge-classify --collect or edge-collect, or any folders of images.",
        show_default=False,
    )
    leading = parameter("sources", Annotated[list[Path] | None, argument], None)
    app = new_app()
    app.command()(with_options(edge_label, LabelConfig, leading, name="edge-label", examples=EXAMPLES))
    return app


def edge_label(config: LabelConfig) -> int:
    """Label images in the browser: they are moved into one folder per class."""
    label_images(config, say)
    return ExitCode.DONE


def main() -> None:
    """The console script."""
    run_app(build_app, "edge-label")
