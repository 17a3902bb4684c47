"""Read the reports in this folder and make one table of them."""

from pathlib import Path

from benchmarks.merging import merge_reports
from benchmarks.rendering import MERGED_COLUMNS, merged_cells
from benchmarks.report import Report, read_report
from edge_runtime.core import ModelError, markdown_table

BOARDS = Path(__file__).parent
"""The folder: `NAME/report.json` for each board."""


def read_boards(folder: Path = BOARDS) -> dict[str, Report]:
    """The reports by the name of their folder.

    Raises:
        ModelError: not a report, or one of an emulated processor, whose times say nothing.
    """
    found = {}
    for path in sorted(folder.glob("*/report.json")):
        report = read_report(path)
        if report.machine.emulated:
            raise ModelError(f"{path}: measured on an emulated processor; a board is a real one")
        found[path.parent.name] = report
    return found


def boards_table(reports: dict[str, Report]) -> str:
    """A Markdown table for each run that boards were measured with, all machines in it."""
    runs: dict[tuple[str, ...], list[Report]] = {}
    for report in reports.values():
        runs.setdefault((report.run, *report.labels), []).append(report)
    parts = []
    for (run, *labels), measured in runs.items():
        merged = merge_reports(measured)
        parts.append(f"**{run}**: {len(labels)} classes, {measured[0].images} images\n")
        parts.append(markdown_table(MERGED_COLUMNS, [merged_cells(row) for row in merged.rows]) + "\n")
    return "\n".join(parts)
