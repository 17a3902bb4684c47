"""`edge-bench`: the model files beside the Keras model, as a report."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.measure import measure_accuracy, measure_latency
from benchmarks.report import Report, TargetReport, describe_machine
from converter.run import read_run
from edge_runtime import clock
from edge_runtime.command_line import DEBUG, DEBUG_HELP, new_app, run_app
from edge_runtime.files import make_folder, write_file

app = new_app()


@app.callback()
def edge_bench() -> None:
    """Measure model files beside the Keras model they came from."""


@app.command("run")
def bench_run(
    run: Annotated[Path, typer.Argument(help="Run that edge-train wrote.", show_default=False)],
    models: Annotated[list[Path], typer.Argument(help="Model files.", show_default=False)],
    data: Annotated[
        str | None,
        typer.Option(
            help="Pictures to measure on; what the run trained on is left out. [default: the run's own]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for report.json and report.md.")] = Path("report"),
    num_runs: Annotated[int, typer.Option(min=1, help="At least so many timed rounds.")] = 200,
    min_seconds: Annotated[float, typer.Option(min=0.0, help="And at least so many seconds of them.")] = 3.0,
    engine: Annotated[str | None, typer.Option(help="litert or tflite-runtime.", show_default=False)] = None,
    num_threads: Annotated[
        int | None, typer.Option(min=1, help="[default: all cores, at most 4]", show_default=False)
    ] = None,
    debug: Annotated[bool, typer.Option(DEBUG, help=DEBUG_HELP)] = False,  # noqa: ARG001 - read before parsing
) -> None:
    """Measure accuracy, agreement, latency and size on held-out pictures."""
    source = read_run(run)
    make_folder(out)
    from benchmarks.held_out import find_held_out
    from benchmarks.targets import KerasTarget, ModelFileTarget, Target
    from edge_runtime.progress import Reporter

    with Reporter() as reporter:
        with reporter.bar("finding held-out pictures") as tick:
            pictures = find_held_out(source, data, tick=tick)
        reporter.say(f"{len(pictures.samples)} held-out pictures ({pictures.kind})")
        files = [ModelFileTarget(path, source, engine=engine, num_threads=num_threads) for path in models]
        targets: list[Target] = [KerasTarget(source), *files]
        with reporter.bar("accuracy") as tick:
            accuracies = measure_accuracy(targets, pictures, tick)
        with reporter.bar("latency") as tick:
            latencies = measure_latency(
                targets, pictures, num_runs=num_runs, min_seconds=min_seconds, tick=tick
            )
    report = Report(
        created=clock.timestamp(),
        run=run.name,
        data=pictures.kind,
        pictures=len(pictures.samples),
        machine=describe_machine(),
        targets=[
            TargetReport(target.name, target.engine, target.num_threads, target.size_bytes, accuracy, latency)
            for target, accuracy, latency in zip(targets, accuracies, latencies, strict=True)
        ],
    )
    write_file(out / "report.json", report.to_json())
    write_file(out / "report.md", report.to_markdown())
    typer.echo(report.to_text())
    typer.echo(f"written: {out / 'report.json'}, {out / 'report.md'}")


def main() -> None:
    """The console script."""
    run_app(app, "edge-bench")
