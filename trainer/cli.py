"""`edge-train`: fine-tune a classifier on a folder of images."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from edge_runtime.cli import new_app, run_app
from edge_runtime.core import ExitCode, parameter, read_options, with_options
from edge_runtime.datasets import CROSS_VALIDATION, RunFiles
from trainer.config import TrainConfig

EXAMPLES = (
    "edge-train birds/ --out run",
    "edge-train birds/ --alpha 0.35 --image-size 160 --test-split 0.15",
    "edge-train --resume --out run",
    "edge-train birds/ --from run --out run2",
)
_DATA = (
    "Folder of class folders (or of train/ val/ test/ folders with them), .npz in MNIST's layout, or "
    "digits, mnist, fashion_mnist, cifar10."
)


def build_app() -> typer.Typer:
    """The command with its options."""
    leading = (
        parameter("data", Annotated[str | None, typer.Argument(help=_DATA, show_default=False)], None),
        parameter(
            "inspect",
            Annotated[
                bool,
                typer.Option(
                    "--inspect", help="Show the base model without training.", rich_help_panel="Model"
                ),
            ],
            False,
        ),
    )
    app = new_app()
    command = with_options(
        edge_train,
        TrainConfig,
        *leading,
        name="edge-train",
        examples=EXAMPLES,
        defaults=_earlier_options,
    )
    app.command()(command)
    return app


def edge_train(config: TrainConfig, *, inspect: bool) -> int:
    """Fine-tune a MobileNetV2 classifier on a folder of images."""
    from trainer.fitting import TrainingReporter

    with TrainingReporter() as reporter:
        if inspect:
            from trainer.network import inspect_base

            typer.echo(inspect_base(config, reporter))
            return ExitCode.DONE
        from trainer.training import Ending, train

        training = train(config, reporter)
    if training.best is None:
        return ExitCode.DONE
    best, folder = training.best, training.folder
    if CROSS_VALIDATION in training.metrics:
        typer.echo(f"trained on all images; last phase: {best.phase}")
    else:
        typer.echo(f"best epoch: {best.epoch} ({best.phase}), validation accuracy {best.val_accuracy:.4f}")
    for split, metrics in training.metrics.items():
        typer.echo(f"{split}: accuracy {metrics.accuracy:.4f} on {metrics.count} images")
    typer.echo(f"report: {folder / 'report.html'}")
    if training.ending is Ending.INTERRUPTED:
        typer.echo(f"run: {folder} (interrupted; continue with the same options and --resume)")
        return ExitCode.INTERRUPTED
    typer.echo(f"run: {folder} (next: edge-convert {folder} --out model.tflite)")
    return ExitCode.DONE


def _earlier_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the training to continue, or of the run to start from: they need not be given again."""
    if given["resume"]:
        path = RunFiles(given["out"] or TrainConfig.out).config
        return read_options(path, TrainConfig, "edge-train") if path.is_file() else {}
    if given["from_"]:
        options = read_options(RunFiles(given["from_"]).config, TrainConfig, "edge-train")
        return {name: value for name, value in options.items() if name not in ("out", "from_", "teacher")}
    return {}


def main() -> None:
    """The console script."""
    run_app(build_app, "edge-train")
