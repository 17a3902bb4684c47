"""`edge-train`: a folder of pictures in, a run out."""

from pathlib import Path
from typing import Annotated, Any

import typer

from edge_runtime.cli.runner import new_app, run_app
from edge_runtime.core.errors import ExitCode
from edge_runtime.core.options import parameter, read_options, with_options
from trainer.config import TrainConfig

app = new_app()

_DATA = (
    "Folder of class folders (or train/ val/ test/ folders of them), .npz in MNIST's layout, or "
    "digits, mnist, fashion_mnist, cifar10."
)


def edge_train(config: Path | None, inspect: bool, **given: Any) -> int:
    """Fine-tune a MobileNetV2 classifier on a folder of pictures."""
    if given["resume"] and config is None:
        config = _interrupted_config(given["out"])
    options = read_options(config) if config else {}
    options |= {name: value for name, value in given.items() if value is not None}
    settings = TrainConfig.from_options(options)
    from trainer.fitting.progress import TrainingReporter

    with TrainingReporter() as reporter:
        if inspect:
            from trainer.network.inspection import inspect_base

            typer.echo(inspect_base(settings, reporter))
            return ExitCode.DONE
        from trainer.training import train

        done = train(settings, reporter)
    if done is None:
        return ExitCode.DONE
    best = done.best
    typer.echo(f"best epoch: {best.epoch} ({best.phase}), validation accuracy {best.val_accuracy:.4f}")
    for split, metrics in done.metrics.items():
        typer.echo(f"{split}: accuracy {metrics.accuracy:.4f} on {metrics.count} pictures")
    typer.echo(f"report: {done.folder / 'report.html'}")
    if done.interrupted:
        typer.echo(f"run: {done.folder} (interrupted; go on with the same options and --resume)")
        return ExitCode.INTERRUPTED
    typer.echo(f"run: {done.folder} (next: edge-convert {done.folder} --out model.tflite)")
    return ExitCode.DONE


def _interrupted_config(out: Path | None) -> Path | None:
    """The options of the training to go on with, so that they need not be given again."""
    path = (out or TrainConfig.out) / "config.toml"
    return path if path.is_file() else None


_LEADING = (
    parameter("data", Annotated[str | None, typer.Argument(help=_DATA, show_default=False)], None),
    parameter(
        "inspect",
        Annotated[bool, typer.Option("--inspect", help="Train nothing: show the base model.")],
        False,
    ),
)

app.command()(with_options(edge_train, TrainConfig, *_LEADING, leave_out=["data"]))


def main() -> None:
    """The console script."""
    run_app(lambda: app, "edge-train")
