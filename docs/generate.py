"""Write what is generated from the code: docs/cli.md from `--help`, and the JSON schema of the report.

`make docs` runs it; tests compare both with the code.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.report import SCHEMA, Report
from edge_runtime.core import json_schema

COMMANDS = (
    ("edge-train",),
    ("edge-convert",),
    ("edge-check",),
    ("edge-classify",),
    ("edge-doctor",),
    ("edge-bench",),
    ("edge-bench", "run"),
    ("edge-bench", "bundle"),
    ("edge-bench", "loop"),
    ("edge-bench", "ab"),
    ("edge-bench", "compare"),
    ("edge-bench", "gate"),
    ("edge-bench", "history"),
    ("edge-bench", "render"),
    ("edge-bench", "merge"),
)
PAGE = Path(__file__).parent / "cli.md"
REPORT_SCHEMA = Path(__file__).parent.parent / "benchmarks" / "schema" / f"report-{SCHEMA}.json"


def render() -> str:
    """The whole page."""
    parts = ["# Commands\n\nMade from `--help` by `make docs`.\n"]
    parts += [f"## {' '.join(command)}\n\n```text\n{_help(command)}\n```\n" for command in COMMANDS]
    return "\n".join(parts)


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
    REPORT_SCHEMA.write_text(json.dumps(json_schema(Report), indent=2) + "\n", encoding="utf-8")
