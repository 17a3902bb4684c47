"""`edge-bench`: the model files beside the Keras model, as a report and as a gate."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmarks.targets.targets import Reader
from edge_runtime.cli.runner import DEBUG, DEBUG_HELP, new_app, run_app
from edge_runtime.core.errors import ExitCode, UsageError
from edge_runtime.core.files import make_folder, write_file

if TYPE_CHECKING:
    from benchmarks.gates import Check

app = new_app()

Debug = Annotated[bool, typer.Option(DEBUG, help=DEBUG_HELP)]
JUnit = Annotated[
    Path | None, typer.Option(help="Write the rules as JUnit XML to this file.", show_default=False)
]


@app.callback()
def edge_bench() -> None:
    """Measure model files beside the Keras model they came from, and hold reports to rules."""


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
    out: Annotated[Path, typer.Option(help="Folder for report.json, report.md and report.html.")] = Path(
        "report"
    ),
    num_runs: Annotated[int, typer.Option(min=10, help="At least so many timed pictures for each.")] = 300,
    min_seconds: Annotated[
        float, typer.Option(min=0.0, help="And at least so many seconds of timing.")
    ] = 5.0,
    processes: Annotated[int, typer.Option(min=1, help="Start each target anew so many times.")] = 3,
    engine: Annotated[
        list[str] | None,
        typer.Option(
            help="litert, tflite-runtime or openvino; give several to compare them.", show_default=False
        ),
    ] = None,
    num_threads: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            help="Of the engines; give several for a sweep. [default: all cores, at most 4]",
            show_default=False,
        ),
    ] = None,
    readers: Annotated[
        list[Reader] | None,
        typer.Option(
            help="Open the files with this program too, which resizes images in its own way.",
            show_default=False,
        ),
    ] = None,
    reader_python: Annotated[
        Path | None,
        typer.Option(help="Python that has the readers installed. [default: this one]", show_default=False),
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Put every single latency into report.json.")] = False,
    debug: Debug = False,
) -> None:
    """Measure accuracy, latency, memory and size on held-out pictures, target by target in turns."""
    from benchmarks.benchmark import benchmark
    from benchmarks.measurement.timing import Plan
    from benchmarks.rendering.html import report_html
    from benchmarks.rendering.markdown import report_markdown, report_text
    from edge_runtime.core.progress import Reporter

    make_folder(out)
    with Reporter() as reporter:
        report, samples = benchmark(
            run,
            models,
            data=data,
            engines=engine or [None],
            threads=num_threads or [None],
            readers=readers or [],
            reader_python=reader_python,
            plan=Plan(num_runs, min_seconds, processes),
            raw=raw,
            reporter=reporter,
            quiet=not debug,
        )
    write_file(out / "report.json", report.to_json())
    write_file(out / "report.md", report_markdown(report))
    write_file(out / "report.html", report_html(report, samples))
    typer.echo(report_text(report))
    for warning in report.warnings:
        typer.echo(f"warning: {warning}")
    typer.echo(f"written: {out / 'report.json'}, report.md, report.html")


@app.command("compare")
def bench_compare(
    baseline: Annotated[Path, typer.Argument(help="report.json of before.", show_default=False)],
    current: Annotated[Path, typer.Argument(help="report.json of now.", show_default=False)],
    max_slowdown: Annotated[float, typer.Option(min=0.0, help="Times the latency.")] = 1.10,
    max_accuracy_drop: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the pictures.")] = 0.01,
    max_size_growth: Annotated[float, typer.Option(min=0.0, help="Times the bytes.")] = 1.05,
    force: Annotated[bool, typer.Option("--force", help="Compare reports of unlike machines.")] = False,
    junit: JUnit = None,
    debug: Debug = False,  # noqa: ARG001 - read before parsing
) -> int:
    """Hold a report against an earlier one: exit code 9 where a change for the worse is real."""
    from benchmarks.gates import Limits, compare_reports
    from benchmarks.report import read_report

    limits = Limits(max_slowdown, max_accuracy_drop, max_size_growth)
    checks = compare_reports(read_report(baseline), read_report(current), limits, force=force)
    return _conclude(checks, "edge-bench compare", junit)


@app.command("gate")
def bench_gate(
    report: Annotated[Path, typer.Argument(help="report.json.", show_default=False)],
    max_p50_ratio: Annotated[
        list[str] | None, typer.Option(help="TARGET:OTHER=FACTOR of the median.")
    ] = None,
    max_accuracy_drop: Annotated[list[str] | None, typer.Option(help="TARGET:OTHER=SHARE.")] = None,
    min_agreement: Annotated[list[str] | None, typer.Option(help="TARGET:OTHER=SHARE.")] = None,
    min_accuracy: Annotated[list[str] | None, typer.Option(help="TARGET=SHARE.")] = None,
    max_p99: Annotated[list[str] | None, typer.Option(help="TARGET=MILLISECONDS.")] = None,
    max_size: Annotated[list[str] | None, typer.Option(help="TARGET=BYTES.")] = None,
    max_memory: Annotated[list[str] | None, typer.Option(help="TARGET=MEBIBYTES, resident.")] = None,
    junit: JUnit = None,
    debug: Debug = False,  # noqa: ARG001 - read before parsing
) -> int:
    """Hold one report to absolute rules: exit code 9 where one is broken. Each option may be given often."""
    from benchmarks.gates import check_rule
    from benchmarks.report import read_report

    given = {
        "max-p50-ratio": max_p50_ratio,
        "max-accuracy-drop": max_accuracy_drop,
        "min-agreement": min_agreement,
        "min-accuracy": min_accuracy,
        "max-p99": max_p99,
        "max-size": max_size,
        "max-memory": max_memory,
    }
    rules = [(name, text) for name, texts in given.items() for text in texts or ()]
    if not rules:
        raise UsageError("give a rule, such as --max-p50-ratio birds:keras=0.5")
    found = read_report(report)
    return _conclude([check_rule(found, name, text) for name, text in rules], "edge-bench gate", junit)


def _conclude(checks: Sequence["Check"], suite: str, junit: Path | None) -> int:
    """Show the checks as a Markdown table; say by the exit code whether all passed."""
    from benchmarks.gates import checks_junit
    from benchmarks.rendering.markdown import table

    if junit is not None:
        write_file(junit, checks_junit(checks, suite))
    columns = ("target", "rule", "before", "now", "change", "result")
    rows = [
        (
            check.target,
            check.rule,
            check.before,
            check.now,
            check.change,
            ("passed" if check.passed else "FAILED") + (f" ({check.note})" if check.note else ""),
        )
        for check in checks
    ]
    typer.echo(table(columns, rows))
    failed = sum(not check.passed for check in checks)
    typer.echo(f"\n{failed} of {len(checks)} rules broken" if failed else f"\nall {len(checks)} rules kept")
    return ExitCode.GATE if failed else ExitCode.DONE


def main() -> None:
    """The console script."""
    run_app(lambda: app, "edge-bench")
