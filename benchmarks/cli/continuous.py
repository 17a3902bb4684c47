"""`edge-bench ci`: measure, compare with a baseline, check rules, write a summary: one command for CI."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchmarks.cli.arguments import CHECKING, argument
from benchmarks.cli.checking import checks_markdown
from benchmarks.cli.measuring import bench_run
from benchmarks.config import CiConfig, GateConfig, RunConfig
from edge_runtime.core import (
    ExitCode,
    ModelError,
    UsageError,
    build_config,
    read_options,
    with_options,
    write_file,
)

if TYPE_CHECKING:
    from benchmarks.gates import Check
    from benchmarks.report import Report

CI_EXAMPLES = (
    "edge-bench ci run birds.tflite --baseline baseline/report.json --rules rules.toml --out report",
)
MARKER = "<!-- edge-bench -->"
"""In the summary, so that a comment with it can be found and updated."""


@dataclass(frozen=True)
class Section:
    """Some checks and why there are none.

    Attributes:
        title: of the section.
        checks: the rules.
        note: why nothing was checked; empty where something was.
    """

    title: str
    checks: Sequence["Check"] = ()
    note: str = ""


def add_continuous(app: typer.Typer) -> None:
    """Add the command."""
    command = with_options(
        bench_ci,
        CiConfig,
        argument("run", Path, "Run that edge-train wrote, or a bundle."),
        argument("models", list[Path], "Model files; with a bundle, those inside it when none is given."),
        name="edge-bench ci",
        examples=CI_EXAMPLES,
    )
    app.command("ci", rich_help_panel=CHECKING)(command)


def bench_ci(config: CiConfig) -> int:
    """Measure, compare with a baseline, check rules, write summary.md and checks.xml: one command for CI."""
    from benchmarks.gates import checks_junit
    from benchmarks.report import read_report

    rules = _read_rules(config.rules)
    bench_run(
        RunConfig(
            run=config.run,
            models=config.models,
            num_runs=config.num_runs,
            min_seconds=config.min_seconds,
            processes=config.processes,
            out=config.out,
        )
    )
    report = read_report(config.out / "report.json")
    sections = [_compare(report, config), _check(report, rules)]
    checks = [check for section in sections for check in section.checks]
    summary = _summary((config.out / "report.md").read_text(encoding="utf-8"), sections)
    write_file(config.out / "summary.md", summary)
    write_file(config.out / "checks.xml", checks_junit(checks, "edge-bench ci"))
    for section in sections:
        typer.echo(f"\n{_section_text(section)}")
    typer.echo(f"written: {config.out / 'summary.md'}, checks.xml")
    return ExitCode.DONE if all(check.passed for check in checks) else ExitCode.GATE


def _read_rules(path: Path | None) -> list[tuple[str, str]]:
    """The rules of a file, read before anything is measured."""
    if path is None:
        return []
    options = {"report": Path(), **read_options(path, GateConfig, "edge-bench gate")}
    return build_config(GateConfig, options, "edge-bench gate").rules


def _compare(report: "Report", config: CiConfig) -> Section:
    from benchmarks.gates import Limits, compare_reports
    from benchmarks.report import read_report

    title = "Compared with the baseline"
    if config.baseline is None or not config.baseline.is_file():
        return Section(title, note="there is no baseline yet")
    limits = Limits(config.max_slowdown, config.max_accuracy_drop, config.max_size_growth)
    try:
        return Section(title, compare_reports(read_report(config.baseline), report, limits))
    except (ModelError, UsageError) as error:
        # Another kind of runner, other classes or an older version: the next baseline will fit.
        return Section(title, note=f"not compared: {error}")


def _check(report: "Report", rules: Sequence[tuple[str, str]]) -> Section:
    from benchmarks.gates import check_rule

    title = "Rules"
    if not rules:
        return Section(title, note="no rules are given")
    return Section(title, [check_rule(report, name, text) for name, text in rules])


def _summary(report: str, sections: Sequence[Section]) -> str:
    return "\n".join([MARKER, report.rstrip(), "", *(f"{_section_text(each)}\n" for each in sections)])


def _section_text(section: Section) -> str:
    body = checks_markdown(section.checks) if section.checks else section.note
    return f"### {section.title}\n\n{body}"
