"""`edge-convert`: convert a run to one model file, and check that it is as accurate as the run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_runtime.cli import new_app, run_app
from edge_runtime.core import (
    SIGNIFICANCE_LEVEL,
    EdgeError,
    ExitCode,
    GateError,
    ModelError,
    Reporter,
    Resize,
    make_folder,
    parameter,
    with_options,
    write_file,
)

if TYPE_CHECKING:
    from converter.config import ConvertConfig
    from converter.conversion import Conversion
    from converter.quantization import Comparison, RejectionComparison
    from edge_runtime.datasets import Run

EXAMPLES = (
    "edge-convert run --out birds.tflite",
    "edge-convert run --qat-steps 500",
    "edge-convert run --calibrate auto --keep-float auto",
    "edge-convert run --for frigate --out model_cache/birds",
    "edge-convert run --precision int8,float16 --target tflite-runtime-2.14",
    "edge-convert keras_model.h5 --labels labels.txt --images birds/ --out birds.tflite",
)

ADVISED_AGREEMENT = 0.96
"""Below it the summary says how to keep more answers of the Keras model."""


def build_app() -> typer.Typer:
    """The command with its options."""
    from converter.config import ConvertConfig

    argument = typer.Argument(
        help="Run that edge-train wrote, or a model of others (.keras, .h5, float .tflite, SavedModel).",
        show_default=False,
    )
    leading = parameter("run", Annotated[Path | None, argument], None)
    command = with_options(
        edge_convert,
        ConvertConfig,
        leading,
        name="edge-convert",
        examples=EXAMPLES,
    )
    app = new_app()
    app.command()(command)
    return app


def edge_convert(config: "ConvertConfig") -> int:
    """Convert a run to a TensorFlow Lite file with labels and model card inside."""
    from converter.config import Program
    from converter.conversion import convert
    from converter.foreign import adopt
    from converter.frigate import check_for_frigate
    from edge_runtime.datasets import read_run

    refused: list[EdgeError] = []
    with Reporter() as reporter:
        foreign = config.is_foreign
        source = adopt(config, reporter) if foreign else read_run(config.run, data=config.data)
        if config.for_ is Program.FRIGATE:
            check_for_frigate(source, config)
        make_folder(config.path.parent)
        for done in convert(source, config, reporter):
            try:
                _write(done, source, config, reporter)
            except (GateError, ModelError) as error:
                # The other precisions may pass.
                refused.append(error)
    if refused:
        raise type(refused[0])("; ".join(map(str, refused)))
    return ExitCode.DONE


def main() -> None:
    """The console script."""
    run_app(build_app, "edge-convert")


def _write(done: "Conversion", source: "Run", config: "ConvertConfig", reporter: Reporter) -> None:
    """Write the record, and the model itself only if it passes.

    Raises:
        ModelError: it does not run on the target.
        GateError: it loses too much accuracy.
    """
    from converter.config import Program
    from converter.frigate import write_for_frigate
    from converter.packaging import PAGE_NAME, format_bom, format_hub_page
    from converter.quantization import draw_layers, format_layers
    from converter.record import format_conversion

    path = config.path
    if len(config.precisions) > 1:
        path = path.with_name(f"{path.stem}.{done.precision}{path.suffix}")
    write_file(path.with_suffix(".conversion.json"), format_conversion(done, config))
    if done.layers:
        write_file(path.with_suffix(".layers.csv"), format_layers(done.layers))
        write_file(path.with_suffix(".layers.png"), draw_layers(done.layers, path.name))
    if not done.fit.fits:
        raise ModelError(f"{path} is not written: the model {done.fit.verdict}")
    if not done.passed:
        raise GateError(_explain(done, config, path))
    if config.for_ is Program.FRIGATE:
        write_for_frigate(path.parent, done)
    else:
        write_file(path, done.content)
    if config.bom:
        write_file(path.with_suffix(".cdx.json"), format_bom(done.content, done.card, name=path.name))
    if config.for_ is Program.HUGGINGFACE:
        page = format_hub_page(
            done.content, done.card, done.comparison, name=path.parent.name, split=_compared_split(source)
        )
        write_file(path.parent / PAGE_NAME, page)
    _summarize(done, config)
    if config.for_ is Program.HUGGINGFACE:
        typer.echo(
            f"written:   {path}, {PAGE_NAME} (next: add license and intended use to {PAGE_NAME}, then "
            f"hf upload USER/NAME {path.parent})"
        )
    elif config.for_ is Program.FRIGATE:
        _summarize_for_frigate(done, source, path, reporter)
    else:
        typer.echo(f"written:   {path} (next: edge-classify -m {path} --input IMAGE)")


def _compared_split(source: "Run") -> str:
    """The splits of the images that both models were compared on."""
    from edge_runtime.datasets import TRAIN

    return ", ".join(dict.fromkeys(sample.split for sample in source.held_out)) or TRAIN


def _explain(done: "Conversion", config: "ConvertConfig", path: Path) -> str:
    from converter.quantization import worst_layers
    from converter.record import worst_classes

    compared, rejection = done.comparison, done.rejection
    if not compared.agrees(config.smallest_agreement) and compared.within(config.max_drop):
        return (
            f"{path} is not written: {done.precision} gives the same answer as the float model on only "
            f"{compared.agreement:.4f} of {compared.count} held-out images, --min-agreement is "
            f"{config.smallest_agreement:g}{_suggest(done, config)}"
        )
    if rejection is not None and compared.within(config.max_drop):
        return (
            f"{path} is not written: {done.precision} does not reject what the Keras model rejects: it "
            f"{_describe(rejection)}; --max-drop is {config.max_drop}{_suggest(done, config)}"
        )
    layers = ", ".join(f"{each.layer} ({each.snr:.0f} dB)" for each in worst_layers(done.layers, 3))
    return (
        f"{path} is not written: {done.precision} loses {compared.drop:.4f} of accuracy "
        f"({compared.float_accuracy:.4f} to {compared.accuracy:.4f} on {compared.count} held-out images: "
        f"{_count_changes(compared)}), --max-drop is {config.max_drop}; "
        f"worst classes: {', '.join(worst_classes(compared, 3))}"
        f"{f'; worst layers: {layers}' if layers else ''}{_suggest(done, config)}"
    )


def _describe(rejection: "RejectionComparison") -> str:
    """What the Keras model and the converted one keep and accept."""
    return (
        f"keeps {rejection.float_kept:.4f} → {rejection.kept:.4f} of the held-out images, accepts "
        f"{rejection.float_accepted:.4f} → {rejection.accepted:.4f} of {rejection.unknowns} synthetic "
        "images of no class"
    )


def _count_changes(compared: "Comparison") -> str:
    """How many images only one of the two models gets right, and whether that is more than chance."""
    changes = f"{compared.lost} lost, {compared.won} won"
    if not compared.lost + compared.won:
        return changes
    verdict = "more than chance" if compared.p_value < SIGNIFICANCE_LEVEL else "no more than chance"
    return f"{changes}, {verdict}, p = {compared.p_value:.2g}"


def _suggest(done: "Conversion", config: "ConvertConfig") -> str:
    """Options that have not been tried yet."""
    from converter.config import KeepFloat
    from converter.quantization import Calibration, Precision

    if done.precision is not Precision.INT8:
        return ""
    ways = ["--calibrate auto"] if config.calibrate is not Calibration.AUTO else []
    ways += ["--qat-steps 500"] if not config.qat_steps else []
    ways += ["--keep-float auto"] if config.keep_float is KeepFloat.NONE else []
    *before, last = ways or [""]
    listed = f"{', '.join(before)} or {last}" if before else last
    return f"; try {listed}" if ways else "; try --precision float16, or hold out more images"


def _summarize(done: "Conversion", config: "ConvertConfig") -> None:
    from converter.quantization import Precision

    compared, kept = done.comparison, done.kept_float
    cost = ""
    if kept is not None:
        cost = (
            f"; {len(kept.layers)} layers in float ({', '.join(kept.layers)}): "
            f"{kept.extra_bytes:+,} bytes, {kept.slowdown:.2f}x the time"
        )
    ratio = len(done.content) / done.keras_bytes
    typer.echo(f"size:      {done.keras_bytes:,} → {len(done.content):,} bytes ({ratio:.2f}){cost}")
    accuracy = f"{compared.float_accuracy:.4f} → {compared.accuracy:.4f}"
    typer.echo(f"accuracy:  {accuracy} on {compared.count} held-out images ({_count_changes(compared)})")
    if compared.drop > config.max_drop:
        typer.echo(
            f"warning:   this is more than --max-drop {config.max_drop}, but {compared.count} held-out "
            "images cannot tell it from chance: hold out more to be sure"
        )
    if done.rejection is not None:
        typer.echo(
            f"{done.card.unknown}:{' ' * max(1, 10 - len(done.card.unknown))}{_describe(done.rejection)}"
        )
    typer.echo(f"agreement: {compared.agreement:.4f}, KL divergence {compared.kl_divergence:.5f}")
    if done.precision is Precision.INT8 and kept is None and compared.agreement < ADVISED_AGREEMENT:
        typer.echo(
            f"           {1 - compared.agreement:.1%} of the answers are not the Keras model's; to keep "
            f"more: --keep-float auto --min-agreement {ADVISED_AGREEMENT}"
        )
    typer.echo(f"target:    {done.fit.verdict}")


def _summarize_for_frigate(done: "Conversion", source: "Run", path: Path, reporter: Reporter) -> None:
    """What Frigate's resizing costs, and what to do with the files."""
    from converter.frigate import LABELS_NAME, accuracy_in_frigate

    advice = "" if done.card.resize is Resize.SQUASH else "; edge-train --resize squash trains for that"
    typer.echo(
        f"frigate:   accuracy {accuracy_in_frigate(source, done, reporter):.4f} on the same images stretched "
        f"to a square by Frigate, {done.comparison.accuracy:.4f} with {done.card.resize}{advice}"
    )
    typer.echo(
        f"written:   {path}, {LABELS_NAME} (next: copy both to Frigate's model_cache/NAME and restart it)"
    )
