"""The time inside a model by kind of operator, from the engine's own counters.

OpenVINO has such counters (`PERF_COUNT`); the Python interfaces of LiteRT and tflite-runtime have none.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any, ClassVar

import numpy as np

from edge_runtime.core import CLOSED
from edge_runtime.inference import compile_openvino

RUNS = 20


@dataclass(frozen=True)
class OperatorTime:
    """All operators of one kind in one invocation.

    Attributes:
        kind: what is computed, `Convolution`.
        kernel: the code that computes it, `brgconv_avx512_I8`.
        count: number of operators.
        milliseconds: of all of them, the median invocation. Counting takes time too: the sum is more than an
            invocation without counters takes.
    """

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    kind: str
    kernel: str
    count: int
    milliseconds: float


def profile_openvino(content: bytes, num_threads: int, **options: object) -> list[OperatorTime]:
    """Run a `.tflite` on random pixels and add up its operators' times, the slowest kind first.

    The counters: https://docs.openvino.ai, "Performance Information Counters"; operators fused into others
    did not run and are left out.
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
    """Add up the operators that took at least a microsecond in any run; faster ones are reported as not run.

    Kinds whose operators mostly took less are left out.
    """
    together: dict[tuple[str, str], list[float]] = defaultdict(list)
    for node in zip(*runs, strict=True):
        times = [each.real_time / timedelta(milliseconds=1) for each in node]
        if any(times):
            together[node[0].node_type, node[0].exec_type].append(median(times))
    found = [OperatorTime(*kind, len(times), sum(times)) for kind, times in together.items() if sum(times)]
    return sorted(found, key=lambda each: -each.milliseconds)
