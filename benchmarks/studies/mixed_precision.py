"""Layers in float: how many it takes until int8 gives the float model's answer often enough, at what cost.

    python -m benchmarks.studies.mixed_precision AGREEMENT STEPS RUN [RUN …]

Each run of `edge-train` is converted with `--keep-float auto --min-agreement AGREEMENT`, without
quantization-aware training and, where STEPS is not 0, with so many steps of it. Prints the agreement on the
run's held-out images, the layers in float, how much larger and slower the model is than all int8, and the
seconds of the whole conversion.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from converter import ConvertConfig, convert
from converter.config import KeepFloat
from edge_runtime.core import Reporter, clock, markdown_table
from edge_runtime.datasets import read_run

COLUMNS = ("run", "steps", "agreement", "layers in float", "larger", "time", "seconds")


def main(agreement: float, steps: int, runs: Sequence[Path]) -> None:
    """Print a row for each run, or two."""
    rows = [measure(run, agreement, number) for run in runs for number in sorted({0, steps})]
    print(markdown_table(COLUMNS, rows))  # noqa: T201


def measure(run: Path, agreement: float, steps: int) -> tuple[str, ...]:
    """Convert, and compare."""
    started = clock.now()
    config = ConvertConfig(run=run, qat_steps=steps, keep_float=KeepFloat.AUTO, min_agreement=agreement)
    with Reporter() as reporter:
        (done,) = convert(read_run(run), config, reporter)
    kept = done.kept_float
    cost = (
        ("0", "+0 %", "1.00 ×")
        if kept is None
        else (
            str(len(kept.layers)),
            f"+{kept.extra_bytes / (len(done.content) - kept.extra_bytes):.0%}".replace("%", " %"),
            f"{kept.slowdown:.2f} ×",
        )
    )
    return (run.name, str(steps), f"{done.comparison.agreement:.4f}", *cost, f"{clock.now() - started:.0f}")


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), [Path(each) for each in sys.argv[3:]])
