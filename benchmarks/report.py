"""A report: one value, written as JSON for programs and Markdown for people."""

import dataclasses
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measure import Accuracy, Latency

SCHEMA = 1


@dataclass(frozen=True)
class TargetReport:
    """What was measured of one target; sizes in bytes, latency in milliseconds."""

    name: str
    engine: str
    num_threads: int | None
    size_bytes: int
    accuracy: Accuracy
    latency_ms: Latency


@dataclass(frozen=True)
class Report:
    """One benchmark run.

    Attributes:
        created: ISO 8601 in UTC.
        run: the run's folder name.
        data: what the pictures are.
        pictures: how many there are.
        machine: what it ran on.
        targets: the first is what the others are compared with.
        schema: version of this layout.
    """

    created: str
    run: str
    data: str
    pictures: int
    machine: Mapping[str, str]
    targets: Sequence[TargetReport]
    schema: int = SCHEMA

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    def to_markdown(self) -> str:
        """The report as a Markdown table, for a job summary or a pull request."""
        lines = [
            "## Benchmark",
            "",
            f"{self.run} on {self.pictures} {self.data} pictures.",
            "",
            "| model | accuracy | agreement | p50 | p90 | p99 | time | size |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
            *(_row(target) for target in self.targets),
            "",
            f"Latency: decoded picture to scores, ms, {self.targets[0].latency_ms.runs} interleaved rounds. "
            f"Time: median ratio to {self.targets[0].name}, round by round. "
            f"Agreement: same best label as {self.targets[0].name}.",
            "",
            ", ".join(f"{name}: {value}" for name, value in self.machine.items())
            + "; "
            + "; ".join(dict.fromkeys(target.engine for target in self.targets))
            + f"; {self.created}",
            "",
        ]
        return "\n".join(lines)

    def to_text(self) -> str:
        """The table for a terminal."""
        rows = [
            ["model", "accuracy", "agreement", "p50 ms", "p90 ms", "p99 ms", "time", "size"],
            *([cell.strip() for cell in _row(target).strip("|").split("|")] for target in self.targets),
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        )


def describe_machine() -> dict[str, str]:
    """What the figures depend on."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123
            names = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("model")]
    except OSError:
        names = []
    # x86 has "model : 85" as well as "model name : …": take the longest.
    return max(names, key=len, default=platform.processor() or "unknown")


def _row(target: TargetReport) -> str:
    accuracy, latency = target.accuracy, target.latency_ms
    return (
        f"| {_cell(target.name)} | {accuracy.top1:.4f} | {accuracy.agreement:.4f} "
        f"| {latency.p50:.2f} | {latency.p90:.2f} | {latency.p99:.2f} "
        f"| {latency.ratio_to_first:.2f}× | {target.size_bytes / 1024**2:.2f} MiB |"
    )


def _cell(text: str) -> str:
    return text.replace("|", "¦").replace("\n", " ")
