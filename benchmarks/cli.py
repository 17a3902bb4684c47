"""`edge-bench`: measure model files beside the Keras model, and check reports against rules."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge_runtime.cli import new_app, run_app
from edge_runtime.core import (
    ExitCode,
    Reporter,
    UsageError,
    make_folder,
    markdown_table,
    parameter,
    with_options,
    write_file,
)

if TYPE_CHECKING:
    from benchmarks.config import CompareConfig, GateConfig, RunConfig
    from benchmarks.gates import Check

_RUN_EXAMPLES = (
    "edge-bench run run birds.tflite --out report",
    "edge-bench run run birds.tflite --engine litert --engine openvino",
)
_COMPARE_EXAMPLES = ("edge-bench compare before/report.json after/report.json --max-slowdown 1.1",)
_GATE_EXAMPLES = (
    "edge-bench gate report/report.json --max-p50-ratio birds:keras=0.5 --max-accuracy-drop birds:keras=0.01",
)


def build_app() -> typer.Typer:
    """The commands with their options."""
    from benchmarks.config import CompareConfig, GateConfig, RunConfig

    app = new_app()
    app.callback()(edge_bench)
    run = with_options(
        bench_run,
        RunConfig,
        _argument("run", Path, "Run that edge-train wrote."),
        _argument("models", list[Path], "Model files."),
        name="edge-bench run",
        examples=_RUN_EXAMPLES,
    )
    compare = with_options(
        bench_compare,
        CompareConfig,
        _argument("baseline", Path, "report.json of the baseline."),
        _argument("current", Path, "report.json to compare with it."),
        name="edge-bench compare",
        examples=_COMPARE_EXAMPLES,
    )
    gate = with_options(
        bench_gate,
        GateConfig,
        _argument("report", Path, "report.json."),
        name="edge-bench gate",
        examples=_GATE_EXAMPLES,
    )
    for name, command in (("run", run), ("compare", compare), ("gate", gate)):
        app.command(name)(command)
    return app


def edge_bench() -> None:
    """Measure model files beside the Keras model they came from, and check reports against rules."""


def bench_run(config: "RunConfig") -> int:
    """Measure accuracy, latency, memory and size on held-out images, the targets in turns."""
    from benchmarks.benchmark import TargetOptions, benchmark
    from benchmarks.measurement import TimingPlan
    from benchmarks.rendering import report_html, report_markdown, report_text

    make_folder(config.out)
    targets = TargetOptions(
        models=config.models,
        engines=config.engine or (None,),
        threads=config.num_threads or (None,),
        readers=config.readers,
        reader_python=config.reader_python,
    )
    with Reporter() as reporter:
        report, samples = benchmark(
            config.run,
            targets,
            data=config.data,
            unknowns=config.unknowns,
            plan=TimingPlan(config.num_runs, config.min_seconds, config.processes),
            raw=config.raw,
            reporter=reporter,
        )
    write_file(config.out / "report.json", report.to_json())
    write_file(config.out / "report.md", report_markdown(report))
    write_file(config.out / "report.html", report_html(report, samples))
    typer.echo(report_text(report))
    for warning in report.warnings:
        typer.echo(f"warning: {warning}")
    typer.echo(f"written: {config.out / 'report.json'}, report.md, report.html")
    return ExitCode.DONE


def bench_compare(config: "CompareConfig") -> int:
    """Compare a report with a baseline: exit code 9 if a change for the worse is more than chance."""
    from benchmarks.gates import Limits, compare_reports
    from benchmarks.report import read_report

    limits = Limits(config.max_slowdown, config.max_accuracy_drop, config.max_size_growth)
    baseline, current = read_report(config.baseline), read_report(config.current)
    checks = compare_reports(baseline, current, limits, force=config.force)
    return _conclude(checks, "edge-bench compare", config.junit)


def bench_gate(config: "GateConfig") -> int:
    """Check one report against absolute rules: exit code 9 if one is broken. Options may be repeated."""
    from benchmarks.gates import check_rule
    from benchmarks.report import read_report

    if not config.rules:
        raise UsageError("give a rule, such as --max-p50-ratio birds:keras=0.5")
    found = read_report(config.report)
    return _conclude(
        [check_rule(found, name, text) for name, text in config.rules], "edge-bench gate", config.junit
    )


def main() -> None:
    """The console script."""
    run_app(build_app, "edge-bench")


def _argument(name: str, kind: Any, text: str) -> Any:
    return parameter(name, Annotated[kind | None, typer.Argument(help=text, show_default=False)], None)


def _conclude(checks: Sequence["Check"], suite: str, junit: Path | None) -> int:
    """Show the checks as a Markdown table; the exit code says whether all passed."""
    from benchmarks.gates import checks_junit

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
    typer.echo(markdown_table(columns, rows))
    failed = sum(not check.passed for check in checks)
    typer.echo(f"\n{failed} of {len(checks)} rules broken" if failed else f"\nall {len(checks)} rules passed")
    return ExitCode.GATE if failed else ExitCode.DONE
