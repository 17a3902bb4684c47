"""Measure the peers: `python -m benchmarks.targets.peers MODEL.tflite PICTURES`, as `make bench-peers` does.

PICTURES is a folder; every peer gets the same decoded frames.
"""

import sys
from pathlib import Path

import numpy as np

from benchmarks.measurement.environment import describe_machine
from benchmarks.measurement.statistics import ratio_of_rounds, summarize
from benchmarks.measurement.timing import Measured, Plan, time_in_turns
from benchmarks.rendering.markdown import table
from benchmarks.targets.peers import PEERS
from benchmarks.targets.targets import Kind, TargetSpec
from edge_runtime.core.progress import Reporter
from edge_runtime.images.codec import list_images

COLUMNS = ("through", "p50 ms", "p90 ms", "time", "cold start", "memory", "version")


def main(model: Path, folder: Path) -> None:
    """Print one table."""
    files = [str(path.resolve()) for path in list_images(folder)]
    specs = [TargetSpec(name, Kind.PEER, str(model.resolve()), engine=name) for name in PEERS]
    with Reporter() as reporter:
        measured = time_in_turns([Measured(spec) for spec in specs], files, Plan(), reporter)
    machine = describe_machine()
    print(table(COLUMNS, [_row(each, measured[0]) for each in measured]))  # noqa: T201
    print(  # noqa: T201
        f"\n{len(files)} pictures, from the decoded picture to the label; time: ratio to {specs[0].name}, "
        f"round by round, with its 95 % interval. {machine.processor}, {machine.cores} cores, "
        f"{machine.system}."
    )


def _row(each: Measured, first: Measured) -> list[str]:
    latency = summarize(np.array(each.rows)[:, -1])
    ratio = ratio_of_rounds(np.array(each.rounds), np.array(first.rounds))
    return [
        each.spec.name,
        f"{latency.p50:.3g}",
        f"{latency.p90:.3g}",
        f"{ratio.value:.3g}× ({ratio.low:.3g}–{ratio.high:.3g})",
        f"{np.median(each.cold_start_ms) / 1000:.2f} s",
        f"{each.resident / 1024**2:.0f} MiB",
        each.loaded["engine"],
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
