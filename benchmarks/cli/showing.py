"""The commands that show reports: render, merge."""

from pathlib import Path

import typer

from benchmarks.cli.arguments import SHOWING, argument
from benchmarks.cli.pages import write_page
from benchmarks.config import MergeConfig, RenderConfig
from edge_runtime.core import ExitCode, make_folder, with_options, write_file

RENDER_EXAMPLES = ("edge-bench render report/report.json",)
MERGE_EXAMPLES = ("edge-bench merge pi5/report.json pi4/report.json report/report.json --out merged",)


def add_showing(app: typer.Typer) -> None:
    """Add the commands."""
    render = with_options(
        bench_render,
        RenderConfig,
        argument("report", Path, "report.json."),
        name="edge-bench render",
        examples=RENDER_EXAMPLES,
    )
    merge = with_options(
        bench_merge,
        MergeConfig,
        argument("reports", list[Path], "report.json files of several machines."),
        name="edge-bench merge",
        examples=MERGE_EXAMPLES,
    )
    for name, command in (("render", render), ("merge", merge)):
        app.command(name, rich_help_panel=SHOWING)(command)


def bench_render(config: RenderConfig) -> int:
    """Make report.html and report.md from a report.json that was written anywhere."""
    from benchmarks.rendering import report_html, report_markdown
    from benchmarks.report import read_report

    report = read_report(config.report)
    out = make_folder(config.out or config.report.parent)
    write_file(out / "report.html", report_html(report))
    write_file(out / "report.md", report_markdown(report))
    typer.echo(f"written: {out / 'report.html'}, report.md")
    return ExitCode.DONE


def bench_merge(config: MergeConfig) -> int:
    """Merge reports of several machines into one: model × machine."""
    from benchmarks.merging import merge_reports
    from benchmarks.rendering import merged_html, merged_markdown
    from benchmarks.report import read_report

    merged = merge_reports([read_report(path) for path in config.reports])
    make_folder(config.out)
    write_file(config.out / "merged.json", merged.to_json())
    write_file(config.out / "merged.md", merged_markdown(merged))
    has_page = write_page(config.out / "merged.html", lambda: merged_html(merged))
    typer.echo(merged_markdown(merged))
    typer.echo(f"written: {config.out / 'merged.json'}, merged.md{', merged.html' * has_page}")
    return ExitCode.DONE
