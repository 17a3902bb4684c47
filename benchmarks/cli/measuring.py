"""The commands that measure: run, bundle, loop, ab."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchmarks.cli.arguments import MEASURING, argument
from benchmarks.cli.pages import write_page
from benchmarks.config import AbConfig, BundleConfig, LoopConfig, RunConfig
from edge_runtime.core import ExitCode, Reporter, UsageError, make_folder, with_options, write_file

if TYPE_CHECKING:
    from benchmarks.report import Report

RUN_EXAMPLES = (
    "edge-bench run run birds.tflite --out report",
    "edge-bench run run birds.tflite --engine litert --engine openvino",
    "edge-bench run birds.bundle.zip --sustained 600 --out report",
)
BUNDLE_EXAMPLES = (
    "edge-bench bundle run --model birds.tflite --out birds.bundle.zip",
    "edge-bench bundle run --report report/report.json --max-images 500 --out birds.bundle.zip",
)
LOOP_EXAMPLES = (
    "edge-bench loop --camera 0 -m birds.tflite --seconds 60",
    "edge-bench loop --input synthetic -m birds.tflite",
)
AB_EXAMPLES = (
    "edge-bench ab ../main . -- .venv/bin/edge-classify --input photos",
    "edge-bench ab before.tflite after.tflite --images photos",
)


def add_measuring(app: typer.Typer) -> None:
    """Add the commands."""
    run = with_options(
        bench_run,
        RunConfig,
        argument("run", Path, "Run that edge-train wrote, or a bundle that edge-bench bundle wrote."),
        argument("models", list[Path], "Model files; with a bundle, those inside it when none is given."),
        name="edge-bench run",
        examples=RUN_EXAMPLES,
    )
    bundle = with_options(
        bench_bundle,
        BundleConfig,
        argument("runs", list[Path], "Runs that edge-train wrote, with the same held-out images."),
        name="edge-bench bundle",
        examples=BUNDLE_EXAMPLES,
    )
    loop = with_options(bench_loop, LoopConfig, name="edge-bench loop", examples=LOOP_EXAMPLES)
    ab = with_options(
        bench_ab,
        AbConfig,
        argument("base", Path, "Folder or model file to compare with."),
        argument("head", Path, "Folder or model file that may have become slower."),
        argument("command", list[str], "After --: the program to run in both folders, and its arguments."),
        name="edge-bench ab",
        examples=AB_EXAMPLES,
    )
    for name, command in (("run", run), ("bundle", bundle), ("loop", loop), ("ab", ab)):
        app.command(name, rich_help_panel=MEASURING)(command)


def bench_run(config: RunConfig) -> int:
    """Measure accuracy, latency, memory and size on held-out images, the targets in turns."""
    from benchmarks.benchmark import TargetOptions, benchmark, benchmark_bundle
    from benchmarks.bundle import open_bundle
    from benchmarks.measurement import TimingPlan

    make_folder(config.out)
    targets = TargetOptions(
        models=config.models,
        engines=config.engine or (None,),
        threads=config.num_threads or (None,),
        readers=config.readers,
        reader_python=config.reader_python,
        keras=config.keras,
    )
    plan = TimingPlan(config.num_runs, config.min_seconds, config.processes, config.sustained)
    with Reporter() as reporter, contextlib.ExitStack() as stack:
        if config.run.is_file():
            if config.data is not None or config.unknowns is not None:
                raise UsageError("--data and --unknowns need a run; a bundle has its own images")
            with reporter.bar("unpacking the bundle") as tick:
                bundle = stack.enter_context(open_bundle(config.run, tick))
            report = benchmark_bundle(
                bundle,
                targets,
                corruptions=config.corruptions,
                plan=plan,
                raw=config.raw,
                reporter=reporter,
            )
        elif config.keras:
            raise UsageError("--keras is for a bundle; of a run the Keras model is always measured")
        else:
            report = benchmark(
                config.run,
                targets,
                data=config.data,
                unknowns=config.unknowns,
                corruptions=config.corruptions,
                plan=plan,
                raw=config.raw,
                reporter=reporter,
            )
    write_report(report, config.out)
    return ExitCode.DONE


def bench_bundle(config: BundleConfig) -> int:
    """Put held-out images and the Keras model's answers into one file, for a board without TensorFlow."""
    from benchmarks.bundling import BundleOptions, make_bundle
    from benchmarks.measurement import TimingPlan

    make_folder(config.out.parent)
    options = BundleOptions(
        runs=config.runs,
        models=config.model,
        data=config.data,
        max_images=config.max_images,
        report=config.report,
        with_keras=config.with_keras,
    )
    with Reporter() as reporter:
        manifest = make_bundle(
            config.out,
            options,
            TimingPlan(config.num_runs, config.min_seconds, config.processes),
            reporter,
        )
    size = config.out.stat().st_size / 1e6
    models = f", {len(config.model)} model files" if config.model else ""
    typer.echo(f"written: {config.out}: {len(manifest.images)} images{models}, {size:.1f} MB")
    given = "" if config.model else " MODEL.tflite"
    typer.echo(f"on the board: edge-bench run {config.out.name}{given} --out report")
    return ExitCode.DONE


def bench_loop(config: LoopConfig) -> int:
    """Run edge-classify on a source: frames a second, age of the answers, drops, processor, memory, power."""
    from benchmarks.loop import LoopOptions, loop_markdown, loop_text, measure_loop

    make_folder(config.out)
    options = LoopOptions(camera=config.camera, input=config.input, model=config.model)
    with Reporter() as reporter:
        report = measure_loop(options, config.seconds, reporter)
    write_file(config.out / "loop.json", report.to_json())
    write_file(config.out / "loop.md", loop_markdown(report))
    typer.echo(loop_text(report))
    _show_warnings(report.warnings)
    typer.echo(f"written: {config.out / 'loop.json'}, loop.md")
    return ExitCode.DONE


def bench_ab(config: AbConfig) -> int:
    """Time two checkouts or two model files in turns: exit code 9 if HEAD is slower by more than chance."""
    from benchmarks.ab import compare_checkouts, compare_models
    from benchmarks.cli.checking import conclude
    from edge_runtime.core import to_json

    with Reporter() as reporter:
        if config.base.is_file() and config.head.is_file():
            if config.command:
                raise UsageError("a command is for two folders; model files are timed on --images")
            result = compare_models(config.base, config.head, config.images, config.num_runs, reporter)
        else:
            result = compare_checkouts(config.base, config.head, config.command, config.runs, reporter)
    if config.out is not None:
        write_file(config.out, to_json(result, indent=1) + "\n")
    return conclude([result.check(config.max_slowdown)], "edge-bench ab", None)


def write_report(report: "Report", out: Path) -> None:
    """Write the report's files; the page only where its libraries are."""
    from benchmarks.rendering import report_html, report_markdown, report_text

    write_file(out / "report.json", report.to_json())
    write_file(out / "report.md", report_markdown(report))
    typer.echo(report_text(report))
    _show_warnings(report.warnings)
    if write_page(out / "report.html", lambda: report_html(report)):
        typer.echo(f"written: {out / 'report.json'}, report.md, report.html")
    else:
        typer.echo(f"written: {out / 'report.json'}, report.md")
        typer.echo("for the page with plots, on the workstation: edge-bench render report.json")


def _show_warnings(warnings: Sequence[str]) -> None:
    for warning in warnings:
        typer.echo(f"warning: {warning}")
