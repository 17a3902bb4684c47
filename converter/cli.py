"""`edge-convert`: a run in, one model file out, as good as the run and proven so."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from converter.compatibility.runtime_check import Target
from converter.quantization.calibration import DEFAULT_COUNT
from converter.quantization.quantizer import Io, Precision
from converter.quantization.range_selection import Calibration
from edge_runtime.cli.runner import DEBUG, DEBUG_HELP, new_app, run_app
from edge_runtime.core.errors import EdgeError, GateError, ModelError, UsageError
from edge_runtime.core.files import make_folder, write_file
from edge_runtime.core.statistics import SURE
from edge_runtime.datasets.run_format import read_run

if TYPE_CHECKING:
    from converter.conversion import Conversion, ConvertOptions
    from converter.quantization.comparison import Comparison

app = new_app()


@app.command()
def edge_convert(
    run: Annotated[Path, typer.Argument(help="Run that edge-train wrote.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Model file to write.")] = Path("model.tflite"),
    data: Annotated[
        str | None, typer.Option(help="Where the run's data is now, if it was moved.", show_default=False)
    ] = None,
    precision: Annotated[
        str, typer.Option(help=f"{', '.join(Precision)}; several with commas: OUT gets each one's name.")
    ] = Precision.INT8,
    io: Annotated[
        Io | None,
        typer.Option("--io", help="Input and output of int8. [default: uint8]", show_default=False),
    ] = None,
    calibrate: Annotated[
        Calibration, typer.Option(help="How ranges are taken; auto measures which agrees best.")
    ] = Calibration.MINMAX,
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="Pictures to calibrate with. [default: from the training split]", show_default=False
        ),
    ] = None,
    calibration_count: Annotated[int, typer.Option(min=1, help="How many of them.")] = DEFAULT_COUNT,
    max_drop: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Accuracy that may be lost; what loses more, and more than chance, is not written.",
        ),
    ] = 0.01,
    keep_float: Annotated[
        str | None,
        typer.Option(help="auto: keep the fewest layers in float that pass --max-drop.", show_default=False),
    ] = None,
    target: Annotated[Target, typer.Option(help="Runtime that the file must run on.")] = Target.LITERT,
    layer_report: Annotated[
        bool, typer.Option("--layer-report", help="Write the signal-to-noise of every layer.")
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help=DEBUG_HELP)] = False,  # noqa: ARG001 - read before parsing
) -> None:
    """Convert a run to a TensorFlow Lite file with labels and model card inside."""
    if keep_float not in (None, "auto"):
        raise UsageError(f"--keep-float takes auto, got {keep_float!r}")
    precisions = _parse_precisions(precision)
    source = read_run(run, data=data)
    make_folder(out.parent)
    from converter.conversion import ConvertOptions, convert
    from edge_runtime.core.progress import Reporter

    options = ConvertOptions(
        precisions=precisions,
        io=io,
        calibrate=calibrate,
        calibration=calibration,
        calibration_count=calibration_count,
        max_drop=max_drop,
        keep_float=keep_float == "auto",
        target=target,
        layer_report=layer_report,
    )
    refused: list[EdgeError] = []
    with Reporter() as reporter:
        for done in convert(source, options, reporter):
            try:
                _write(done, options, out if len(precisions) == 1 else _named(out, done.precision))
            except (GateError, ModelError) as error:
                # The other precisions may pass.
                refused.append(error)
    if refused:
        raise type(refused[0])("; ".join(map(str, refused)))


def main() -> None:
    """The console script."""
    run_app(lambda: app, "edge-convert")


def _parse_precisions(text: str) -> tuple[Precision, ...]:
    try:
        return tuple(dict.fromkeys(Precision(part.strip()) for part in text.split(",")))
    except ValueError as error:
        raise UsageError(f"--precision takes {', '.join(Precision)} (with commas), got {text!r}") from error


def _named(out: Path, precision: Precision) -> Path:
    return out.with_name(f"{out.stem}.{precision}{out.suffix}")


def _write(done: "Conversion", options: "ConvertOptions", path: Path) -> None:
    """Write what was found, and the model itself only if it passes."""
    from converter.packaging.provenance import format_conversion
    from converter.quantization.layer_report import draw_layers, format_layers

    write_file(path.with_suffix(".conversion.json"), format_conversion(done, options))
    if done.layers:
        write_file(path.with_suffix(".layers.csv"), format_layers(done.layers))
        write_file(path.with_suffix(".layers.png"), draw_layers(done.layers, path.name))
    if not done.fit.fits:
        raise ModelError(f"{path} is not written: the model {done.fit.verdict}")
    if not done.passed:
        raise GateError(_explain(done, options, path))
    write_file(path, done.content)
    _summarize(done, options, path)


def _explain(done: "Conversion", options: "ConvertOptions", path: Path) -> str:
    from converter.conversion import worst_classes
    from converter.quantization.layer_report import worst_layers

    compared = done.comparison
    layers = ", ".join(f"{each.layer} ({each.snr:.0f} dB)" for each in worst_layers(done.layers, 3))
    return (
        f"{path} is not written: {done.precision} loses {compared.drop:.4f} of accuracy "
        f"({compared.float_accuracy:.4f} to {compared.accuracy:.4f} on {compared.count} held-out images: "
        f"{_count_flips(compared)}), --max-drop is {options.max_drop}; "
        f"worst classes: {', '.join(worst_classes(compared, 3))}"
        f"{f'; worst layers: {layers}' if layers else ''}{_suggest(done, options)}"
    )


def _count_flips(compared: "Comparison") -> str:
    """How many images only one of the two models gets right, and whether that is more than chance."""
    flips = f"{compared.lost} lost, {compared.won} won"
    if not compared.lost + compared.won:
        return flips
    verdict = "more than chance" if compared.p_value < SURE else "no more than chance"
    return f"{flips}, {verdict}, p = {compared.p_value:.2g}"


def _suggest(done: "Conversion", options: "ConvertOptions") -> str:
    """What has not been tried yet."""
    if done.precision is not Precision.INT8:
        return ""
    ways = ["--calibrate auto"] if options.calibrate is not Calibration.AUTO else []
    ways += ["--keep-float auto"] if not options.keep_float else []
    return f"; try {' or '.join(ways)}" if ways else "; try --precision float16, or hold out more images"


def _summarize(done: "Conversion", options: "ConvertOptions", path: Path) -> None:
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
    typer.echo(f"accuracy:  {accuracy} on {compared.count} held-out images ({_count_flips(compared)})")
    if compared.drop > options.max_drop:
        typer.echo(
            f"warning:   this is more than --max-drop {options.max_drop}, but {compared.count} held-out "
            "images cannot tell it from chance: hold out more to be sure"
        )
    typer.echo(f"agreement: {compared.agreement:.4f}, KL divergence {compared.kl_divergence:.5f}")
    typer.echo(f"target:    {done.fit.verdict}")
    typer.echo(f"written:   {path} (next: edge-classify -m {path} --input PICTURE)")
