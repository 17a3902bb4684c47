"""Write what is generated: docs/cli.md from `--help`, the table of docs/boards.md, the report's JSON schema.

`make docs` runs it; tests compare all of it with the code and the reports.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.boards import boards_table, read_boards
from benchmarks.report import SCHEMA, Report
from edge_runtime.core import json_schema

COMMANDS = (
    ("edge-train",),
    ("edge-convert",),
    ("edge-search",),
    ("edge-check",),
    ("edge-classify",),
    ("edge-collect",),
    ("edge-label",),
    ("edge-data",),
    ("edge-sign",),
    ("edge-doctor",),
    ("edge-bench",),
    ("edge-bench", "run"),
    ("edge-bench", "bundle"),
    ("edge-bench", "loop"),
    ("edge-bench", "ab"),
    ("edge-bench", "compare"),
    ("edge-bench", "gate"),
    ("edge-bench", "ci"),
    ("edge-bench", "history"),
    ("edge-bench", "render"),
    ("edge-bench", "merge"),
)
PAGE = Path(__file__).parent / "cli.md"
BOARDS_PAGE = Path(__file__).parent / "boards.md"
BEGIN, END = "<!-- made by `make docs` -->\n", "<!-- end -->\n"
REPORT_SCHEMA = Path(__file__).parent.parent / "benchmarks" / "schema" / f"report-{SCHEMA}.json"


def render() -> str:
    """The whole page."""
    parts = ["# Commands\n\nMade from `--help` by `make docs`.\n"]
    parts += [f"## {' '.join(command)}\n\n```text\n{_help(command)}\n```\n" for command in COMMANDS]
    return "\n".join(parts)


def render_boards(page: str) -> str:
    """The page of boards with the table of the reports there are now."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{boards_table(read_boards())}\n{END}{rest.partition(END)[2]}"


def _help(command: tuple[str, ...]) -> str:
    program = str(Path(sys.executable).parent / command[0])
    done = subprocess.run(  # noqa: S603 - our own commands
        [program, *command[1:], "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**_without_color(), "COLUMNS": "100", "TERMINAL_WIDTH": "100"},
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def _without_color() -> dict[str, str]:
    forced = ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS")
    return {name: value for name, value in os.environ.items() if name not in forced}


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    BOARDS_PAGE.write_text(render_boards(BOARDS_PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    REPORT_SCHEMA.write_text(json.dumps(json_schema(Report), indent=2) + "\n", encoding="utf-8")
