"""Read a `report.json` back, checked by its types."""

from pathlib import Path

from benchmarks.report.types import QUANTILES, SCHEMA, Report
from edge_runtime.core import ModelError, from_parsed, parse_json, read_file

MAX_BYTES = 256 * 1024**2


def read_report(path: Path) -> Report:
    """Read a `report.json`.

    Raises:
        ModelError: missing, damaged, or of another schema version.
    """
    content = parse_json(
        read_file(path, max_bytes=MAX_BYTES, error=ModelError), name=str(path), error=ModelError
    )
    found = content.get("schema") if isinstance(content, dict) else None
    if found != SCHEMA:
        raise ModelError(
            f"{path}: not a report of edge-bench with schema version {SCHEMA}, found {found!r:.40}: "
            "measure again"
        )
    report = from_parsed(content, Report, name=f"{path}: not a report of edge-bench", error=ModelError)
    problem = _find_mismatch(report)
    if problem:
        raise ModelError(f"{path}: not a report of edge-bench: {problem}")
    return report


def _find_mismatch(report: Report) -> str:
    """Which parts of a report do not belong together; empty for none."""
    if not report.targets:
        return "no targets"
    for target in report.targets:
        elsewhere = target.machine is not None and not target.rounds
        if not report.yardstick or (len(target.rounds) != len(report.yardstick) and not elsewhere):
            return "target and yardstick have different numbers of rounds"
        if not report.targets_of or len(target.accuracy.predicted) != len(report.targets_of):
            return "different numbers of predictions and images"
        if (
            target.cost.size_bytes <= 0
            or min(*target.rounds, *report.yardstick, target.latency.p50, *target.quantiles) <= 0
        ):
            return "a size or a time is not positive"
        if len(target.quantiles) != QUANTILES or sorted(target.quantiles) != target.quantiles:
            return f"the latency of {target.name} needs {QUANTILES} ascending quantiles"
    return ""
