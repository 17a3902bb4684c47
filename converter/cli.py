"""`edge-convert`: a run in, one int8 model file out."""

from pathlib import Path
from typing import Annotated

import typer

from converter.calibration import DEFAULT_COUNT
from converter.run import read_run
from edge_runtime.command_line import DEBUG, DEBUG_HELP, new_app, run_app, say
from edge_runtime.files import make_folder, write_file

app = new_app()


@app.command()
def edge_convert(
    run: Annotated[Path, typer.Argument(help="Run that edge-train wrote.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Model file to write.")] = Path("model.tflite"),
    data: Annotated[
        str | None, typer.Option(help="Where the run's data is now, if it was moved.", show_default=False)
    ] = None,
    calibration_count: Annotated[
        int, typer.Option(min=1, help="Training pictures to calibrate with.")
    ] = DEFAULT_COUNT,
    debug: Annotated[bool, typer.Option(DEBUG, help=DEBUG_HELP)] = False,  # noqa: ARG001 - read before parsing
) -> None:
    """Convert a run to one int8 TensorFlow Lite file with labels and model card inside."""
    source = read_run(run, data=data)
    make_folder(out.parent)
    from converter.conversion import convert

    done = convert(source, calibration_count=calibration_count, say=say)
    write_file(out, done.content)
    ratio = len(done.content) / done.keras_bytes
    typer.echo(f"size:      {done.keras_bytes:,} bytes → {len(done.content):,} bytes ({ratio:.2f} of it)")
    typer.echo(
        f"accuracy:  {done.float_accuracy:.4f} → {done.accuracy:.4f} on {done.count} {done.split} pictures"
    )
    typer.echo(f"agreement: {done.agreement:.4f} of the pictures have the same best label")
    typer.echo(f"written:   {out} (next: edge-classify -m {out} --input PICTURE)")


def main() -> None:
    """The console script."""
    run_app(app, "edge-convert")
