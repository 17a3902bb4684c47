"""`edge-train`: a folder of pictures in, a run out."""

from pathlib import Path
from typing import Annotated

import typer

from edge_runtime.command_line import DEBUG, DEBUG_HELP, new_app, run_app
from edge_runtime.values import Resize
from trainer.config import BatchNorm, TrainConfig, read_options

app = new_app()


def _default(name: str) -> str:
    value = TrainConfig.__dataclass_fields__[name].default
    return str(value)


def _option(name: str, text: str) -> typer.models.OptionInfo:
    """An option that is None when not given, so that a configuration file's value can stand."""
    return typer.Option(help=f"{text} [default: {_default(name)}]", show_default=False)  # type: ignore[no-any-return]


@app.command()
def edge_train(
    data: Annotated[
        str | None,
        typer.Argument(
            help="Folder of class folders (or train/ val/ test/ folders of them), .npz in MNIST's layout, or "
            "digits, mnist, fashion_mnist, cifar10.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file with options; those on the command line override it.")
    ] = None,
    out: Annotated[Path | None, _option("out", "Folder for the run.")] = None,
    weights: Annotated[
        str | None,
        _option("weights", "Where the base starts: imagenet (downloaded), none, or FILE.weights.h5."),
    ] = None,
    alpha: Annotated[float | None, _option("alpha", "Width of MobileNetV2.")] = None,
    image_size: Annotated[int | None, _option("image_size", "Side of the model's input in pixels.")] = None,
    resize: Annotated[Resize | None, _option("resize", "How pictures are brought to that size.")] = None,
    validation_split: Annotated[
        float | None, _option("validation_split", "Share of the pictures for validation.")
    ] = None,
    test_split: Annotated[
        float | None, _option("test_split", "Share held out for the test, unless the data brings its own.")
    ] = None,
    batch_size: Annotated[int | None, _option("batch_size", "Pictures in a batch.")] = None,
    head_epochs: Annotated[
        int | None, _option("head_epochs", "Epochs of the head on the frozen base.")
    ] = None,
    head_rate: Annotated[float | None, _option("head_rate", "Peak learning rate of the head phase.")] = None,
    fine_tune_epochs: Annotated[int | None, _option("fine_tune_epochs", "Epochs of fine-tuning.")] = None,
    fine_tune_rate: Annotated[
        float | None, _option("fine_tune_rate", "Peak learning rate of fine-tuning.")
    ] = None,
    fine_tune_at: Annotated[
        int | None, _option("fine_tune_at", "First layer of the base that fine-tuning trains.")
    ] = None,
    scratch_epochs: Annotated[
        int | None, _option("scratch_epochs", "Epochs with --weights none, where all trains at once.")
    ] = None,
    scratch_rate: Annotated[
        float | None, _option("scratch_rate", "Peak learning rate with --weights none.")
    ] = None,
    batch_norm: Annotated[
        BatchNorm | None,
        _option(
            "batch_norm", "BatchNormalization of the base: frozen, trained, or auto (trained from scratch)."
        ),
    ] = None,
    weight_decay: Annotated[float | None, _option("weight_decay", "Weight decay of AdamW.")] = None,
    head_l2: Annotated[
        float | None,
        _option("head_l2", "L2 penalty of the head's weights, spread over the training pictures."),
    ] = None,
    dropout: Annotated[float | None, _option("dropout", "Dropout before the last layer.")] = None,
    head_units: Annotated[
        int | None, _option("head_units", "Width of a hidden layer in the head; 0 for none.")
    ] = None,
    flip: Annotated[
        bool | None,
        typer.Option(
            "--flip/--no-flip", help="Mirror pictures left to right. [default: flip]", show_default=False
        ),
    ] = None,
    rotation: Annotated[
        float | None, _option("rotation", "Turn pictures by up to this fraction of a full turn.")
    ] = None,
    zoom: Annotated[float | None, _option("zoom", "Zoom pictures by up to this fraction.")] = None,
    shift: Annotated[float | None, _option("shift", "Shift pictures by up to this fraction.")] = None,
    augment_copies: Annotated[
        int | None,
        _option(
            "augment_copies", "Augmented copies of each picture in the head phase, besides the mirrored."
        ),
    ] = None,
    seed: Annotated[
        int | None, _option("seed", "Of the split, the weights, the order and the dropout.")
    ] = None,
    strict: Annotated[
        bool | None,
        typer.Option(
            "--strict/--no-strict", help="Refuse data with unreadable pictures.", show_default=False
        ),
    ] = None,
    overwrite: Annotated[
        bool | None,
        typer.Option("--overwrite/--no-overwrite", help="Replace a run in --out.", show_default=False),
    ] = None,
    debug: Annotated[bool, typer.Option(DEBUG, help=DEBUG_HELP)] = False,
) -> None:
    """Fine-tune a MobileNetV2 classifier on a folder of pictures."""
    given = {name: value for name, value in locals().items() if name not in ("config", "debug")}
    options = read_options(config) if config else {}
    options |= {name: value for name, value in given.items() if value is not None}
    settings = TrainConfig.from_options(options)
    from trainer.progress import TrainingReporter
    from trainer.training import train

    with TrainingReporter() as reporter:
        done = train(settings, reporter)
    best = done.best
    typer.echo(f"best epoch: {best.epoch} ({best.phase}), validation accuracy {best.val_accuracy:.4f}")
    for split, metrics in done.metrics.items():
        typer.echo(f"{split}: accuracy {metrics['accuracy']:.4f} on {metrics['count']:.0f} pictures")
    typer.echo(f"run: {done.folder} (next: edge-convert {done.folder} --out model.tflite)")


def main() -> None:
    """The console script."""
    run_app(app, "edge-train")
