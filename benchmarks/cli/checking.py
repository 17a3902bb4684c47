"""The commands that check reports: compare, gate, history."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchmarks.cli.arguments import CHECKING, argument
from benchmarks.config import CompareConfig, GateConfig, HistoryConfig
from edge_runtime.core import ExitCode, UsageError, make_folder, markdown_table, with_options, write_file

if TYPE_CHECKING:
    from benchmarks.gates import Check

COMPARE_EXAMPLES = ("edge-bench compare before/report.json after/report.json --max-slowdown 1.1",)
GATE_EXAMPLES = (
    "edge-bench gate report/report.json --max-p50-ratio birds:keras=0.5 --max-accuracy-drop birds:keras=0.01",
)
HISTORY_EXAMPLES = ("edge-bench history reports/*/report.json --out history",)


def add_checking(app: typer.Typer) -> None:
    """Add the commands."""
    compare = with_options(
        bench_compare,
        CompareConfig,
        argument("baseline", Path, "report.json of the baseline."),
        argument("current", Path, "report.json to compare with it."),
        name="edge-bench compare",
        examples=COMPARE_EXAMPLES,
    )
    gate = with_options(
        bench_gate,
        GateConfig,
        argument("report", Path, "report.json."),
        name="edge-bench gate",
        examples=GATE_EXAMPLES,
    )
    history = with_options(
        bench_history,
        HistoryConfig,
        argument("reports", list[Path], "report.json files; their order does not matter."),
        name="edge-bench history",
        examples=HISTORY_EXAMPLES,
    )
    for name, command in (("compare", compare), ("gate", gate), ("history", history)):
        app.command(name, rich_help_panel=CHECKING)(command)


def bench_compare(config: CompareConfig) -> int:
    """Compare a report with a baseline: exit code 9 if a change for the worse is more than chance."""
    from benchmarks.gates import Limits, compare_reports
    from benchmarks.report import read_report

    limits = Limits(config.max_slowdown, config.max_accuracy_drop, config.max_size_growth)
    baseline, current = read_report(config.baseline), read_report(config.current)
    checks = compare_reports(baseline, current, limits, force=config.force)
    return conclude(checks, "edge-bench compare", config.junit)


def bench_gate(config: GateConfig) -> int:
    """Check one report against absolute rules: exit code 9 if one is broken. Options may be repeated."""
    from benchmarks.gates import check_rule
    from benchmarks.report import read_report

    if not config.rules:
        raise UsageError("give a rule, such as --max-p50-ratio birds:keras=0.5")
    found = read_report(config.report)
    checks = [check_rule(found, name, text) for name, text in config.rules]
    return conclude(checks, "edge-bench gate", config.junit)


def bench_history(config: HistoryConfig) -> int:
    """Show the trend of many reports, and find when a target became slower, larger or less accurate."""
    from benchmarks.history import Limits, make_history, to_bencher, to_github_action_benchmark
    from benchmarks.rendering import history_html, history_markdown
    from benchmarks.report import read_report

    make_folder(config.out)
    reports = [read_report(path) for path in config.reports]
    history = make_history(reports, Limits(config.min_change, config.min_accuracy_change))
    newest = max(reports, key=lambda report: report.created)
    write_file(config.out / "history.json", history.to_json())
    write_file(config.out / "history.md", history_markdown(history))
    write_file(config.out / "history.html", history_html(history))
    for name, content in (
        ("github-action-benchmark.json", to_github_action_benchmark(newest)),
        ("bencher.json", to_bencher(newest)),
    ):
        write_file(config.out / name, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    typer.echo(history_markdown(history))
    files = "history.md, history.html, github-action-benchmark.json, bencher.json"
    typer.echo(f"written: {config.out / 'history.json'}, {files}")
    return ExitCode.DONE


def conclude(checks: Sequence["Check"], suite: str, junit: Path | None) -> int:
    """Show the checks as a Markdown table; the exit code says whether all passed."""
    from benchmarks.gates import checks_junit

    if junit is not None:
        write_file(junit, checks_junit(checks, suite))
    typer.echo(checks_markdown(checks))
    return ExitCode.DONE if all(check.passed for check in checks) else ExitCode.GATE


def checks_markdown(checks: Sequence["Check"]) -> str:
    """The checks as a Markdown table, and how many are broken."""
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
    failed = sum(not check.passed for check in checks)
    verdict = f"{failed} of {len(checks)} rules broken" if failed else f"all {len(checks)} rules passed"
    return f"{markdown_table(columns, rows)}\n\n{verdict}"
