"""`edge-train`: a folder of pictures in, a run out."""

import dataclasses
import inspect
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from edge_runtime.command_line import DEBUG, DEBUG_HELP, new_app, run_app
from edge_runtime.errors import ExitCode
from trainer.config import TrainConfig, option_name, read_options

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
    from trainer.progress import TrainingReporter

    with TrainingReporter() as reporter:
        if inspect:
            from trainer.inspection import inspect_base

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


def _with_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command an option for each field of `TrainConfig`; one that is not given is None.

    So that a configuration file's value can stand.
    """
    types = get_type_hints(TrainConfig)
    parameters = [
        _parameter("data", Annotated[str | None, typer.Argument(help=_DATA, show_default=False)], None),
        _parameter(
            "config",
            Annotated[
                Path | None, typer.Option(help="TOML file with options; those on the command line override.")
            ],
            None,
        ),
        _parameter(
            "inspect",
            Annotated[bool, typer.Option("--inspect", help="Train nothing: show the base model.")],
            False,
        ),
    ]
    parameters += [
        _parameter(field.name, Annotated[types[field.name] | None, _option(field, types[field.name])], None)
        for field in dataclasses.fields(TrainConfig)[1:]
    ]
    parameters.append(_parameter("debug", Annotated[bool, typer.Option(DEBUG, help=DEBUG_HELP)], False))

    def run(**given: Any) -> int:
        given.pop("debug")  # read before parsing
        return command(**given)

    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    run.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": int}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _option(field: dataclasses.Field[Any], kind: type) -> Any:
    name = option_name(field.name)
    default = field.default
    text = f"{field.metadata['help']} [default: {_plain(name, default)}]"
    declared = f"--{name}/--no-{name}" if kind is bool else f"--{name}"
    return typer.Option(declared, help=text, show_default=False)


def _plain(name: str, default: Any) -> str:
    if isinstance(default, bool):
        return name if default else f"no-{name}"
    return str(default.value if isinstance(default, StrEnum) else default)


app.command()(_with_options(edge_train))


def main() -> None:
    """The console script."""
    run_app(app, "edge-train")
