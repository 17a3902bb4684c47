"""Where the time goes inside a model: by kind of operator, from the engine's own counters.

OpenVINO has such counters (`PERF_COUNT`); the Python interfaces of LiteRT and tflite-runtime have none.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

import numpy as np

from edge_runtime.inference.engines import compile_openvino

RUNS = 20


@dataclass(frozen=True)
class OperatorTime:
    """All operators of one kind in one invocation.

    Attributes:
        kind: what is computed, `Convolution`.
        kernel: by which code, `brgconv_avx512_I8`.
        count: how many operators.
        milliseconds: of all of them, the median invocation. Counting costs time too: the sum is more than an
            uncounted invocation takes.
    """

    kind: str
    kernel: str
    count: int
    milliseconds: float


def profile_openvino(content: bytes, num_threads: int, **options: object) -> list[OperatorTime]:
    """Run a `.tflite` on random pixels and add up its operators' times, the slowest kind first.

    The counters: https://docs.openvino.ai, "Performance Information Counters"; what OpenVINO has fused into
    other operators did not run and is left out.
    """
    request = compile_openvino(content, num_threads, PERF_COUNT=True, **options)
    port = request.model_inputs[0]
    pixels = np.random.default_rng(0).integers(0, 256, tuple(port.shape)).astype(port.element_type.to_dtype())
    runs = []
    for _ in range(RUNS):
        request.infer([pixels])
        runs.append(request.profiling_info)
    return _add_up(runs)


def _add_up(runs: list[Any]) -> list[OperatorTime]:
    """Over all operators that took at least a microsecond in any run: a quicker one is told as not run.

    Kinds whose operators mostly took less are left out.
    """
    together: dict[tuple[str, str], list[float]] = defaultdict(list)
    for node in zip(*runs, strict=True):
        times = [each.real_time / timedelta(milliseconds=1) for each in node]
        if any(times):
            together[node[0].node_type, node[0].exec_type].append(median(times))
    found = [OperatorTime(*kind, len(times), sum(times)) for kind, times in together.items() if sum(times)]
    return sorted(found, key=lambda each: -each.milliseconds)
