"""Measure a model file in other programs: `make bench-peers`.

    python -m benchmarks.studies.peers MODEL.tflite IMAGES

IMAGES is a folder; every program gets the same decoded images. The programs have a virtual environment of
their own (peers-requirements.txt); nothing else of the toolkit needs them.
"""

import sys
from pathlib import Path

import numpy as np

from benchmarks.measurement import (
    Measured,
    TimingPlan,
    describe_machine,
    ratio_of_rounds,
    summarize,
    time_in_turns,
)
from benchmarks.targets import PEERS, Kind, TargetSpec
from edge_runtime.core import Reporter, markdown_table
from edge_runtime.images import list_images

COLUMNS = ("through", "p50 ms", "p90 ms", "time", "cold start", "memory", "version")


def main(model: Path, folder: Path) -> None:
    """Print one table."""
    files = [str(path.resolve()) for path in list_images(folder)]
    specs = [TargetSpec(name, Kind.PEER, str(model.resolve()), engine=name) for name in PEERS]
    with Reporter() as reporter:
        measured = [Measured(spec) for spec in specs]
        time_in_turns(measured, files, TimingPlan(), reporter)
    machine = describe_machine()
    print(markdown_table(COLUMNS, [_row(each, measured[0]) for each in measured]))  # noqa: T201
    print(  # noqa: T201
        f"\n{len(files)} images, from the decoded image to the label; time: ratio to {specs[0].name}, "
        f"round by round, with its 95 % interval. {machine.processor}, {machine.cores} cores, "
        f"{machine.system}."
    )


def _row(each: Measured, first: Measured) -> list[str]:
    latency = summarize(each.totals)
    ratio = ratio_of_rounds(np.array(each.rounds), np.array(first.rounds))
    return [
        each.spec.name,
        f"{latency.p50:.3g}",
        f"{latency.p90:.3g}",
        f"{ratio.value:.3g}× ({ratio.low:.3g}–{ratio.high:.3g})",
        f"{np.median(each.cold_start_ms) / 1000:.2f} s",
        f"{each.resident / 1024**2:.0f} MiB",
        each.loaded.engine if each.loaded else "",
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
