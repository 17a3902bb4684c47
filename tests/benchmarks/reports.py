"""Reports made for the purpose."""

import dataclasses
from typing import Any

import numpy as np

from benchmarks import Accuracy, Cost, Report, TargetReport
from benchmarks.measurement import Interval, Machine, MachineState, fraction, summarize
from benchmarks.report import QUANTILES, SCHEMA
from benchmarks.targets import Kind, OperatorTime

ONE = Interval(1.0, 1.0, 1.0)
QUIET = MachineState(0.1, None, None, None)
MACHINE = Machine("a processor", 2, 24, "Linux x86_64", "3.11.7")
TRUTH = [number % 10 for number in range(1000)]


def target(name: str, *, time: float = 1.0, wrong: int = 20, size: int = 1000, seed: int = 0) -> TargetReport:
    """A target with so many wrong answers, and times with the noise of a busy machine."""
    random = np.random.default_rng(seed)
    rounds = time * random.normal(1, 0.04, 60)
    predicted = [(label + 1) % 10 if number < wrong else label for number, label in enumerate(TRUTH)]
    return TargetReport(
        name=name,
        kind=Kind.KERAS if name == "keras" else Kind.MODEL_FILE,
        engine="litert 2.3.0",
        num_threads=2,
        cold_start=300.0,
        load=10.0,
        first=5.0,
        latency=summarize(rounds),
        stages={"decode": 0.1, "resize": 0.1, "invoke": time, "postprocess": 0.1},
        quantiles=np.quantile(rounds, np.linspace(0, 1, QUANTILES)).tolist(),
        throughput=1000 / time,
        ratio_to_first=ONE,
        rounds=rounds.tolist(),
        cost=Cost(size, 80 * 1024**2, 90 * 1024**2, 1.0, None),
        operators=[OperatorTime("Convolution", "brgconv", 35, 1.5)],
        accuracy=Accuracy(
            top1=fraction(1000 - wrong, 1000),
            top5=1.0,
            agreement=1.0,
            max_score_difference=0.0,
            mean_score_difference=0.0,
            p_value=1.0,
            recall=[1.0] * 9 + [None],
            confusion=np.eye(10, dtype=int).tolist(),
            predicted=predicted,
        ),
    )


def report(*targets: TargetReport, **changes: Any) -> Report:
    content = Report(
        schema=SCHEMA,
        created="2026-01-01T00:00:00+00:00",
        run="run",
        labels=[str(number) for number in range(10)],
        split="test",
        images=1000,
        unknowns=0,
        corrupted=0,
        fingerprint="0" * 64,
        targets_of=TRUTH,
        machine=MACHINE,
        before=QUIET,
        after=QUIET,
        energy_meter="none",
        versions={},
        warnings=[],
        yardstick=[1.0] * 60,
        targets=list(targets),
    )
    return dataclasses.replace(content, **changes)
