"""Months in minutes: memory, descriptors, threads and children stay as they were.

The gate runs a tenth; `make soak` runs 100,000 frames and 300 reopenings.
"""

import os
import sys
import threading
from pathlib import Path

import pytest

from edge_runtime import (
    DeviceKind,
    DeviceRequest,
    JsonLinesSink,
    LiveSource,
    LoadOptions,
    Patience,
    classify_frames,
    load_classifier,
)
from edge_runtime.sources.live import CAPTURE
from tests.edge_runtime.processes import children

SCALE = float(os.environ.get("EDGE_SOAK", "0.1"))
FRAMES, REOPENINGS = int(100_000 * SCALE), int(300 * SCALE)
ENDS = (sys.executable, str(Path(__file__).parents[1] / "sources" / "faulty_camera.py"))
FRAMES_BEFORE_IT_ENDS = 5

pytestmark = pytest.mark.slow


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


class Soak:
    """A classifier at work, and how much this process holds between two pieces of work."""

    def __init__(self, model: Path) -> None:
        self._classifier = load_classifier(model, LoadOptions(num_threads=1))

    def classify(self, frames: int, fault: str | None = None) -> int:
        request = DeviceRequest(DeviceKind.SYNTHETIC, fault or "soak", width=64, height=48)
        command = ENDS if fault else CAPTURE
        patience = Patience(first_delay=0.01)
        with (
            LiveSource(request, patience=patience, say=lambda _line: None, command=command) as source,
            Path(os.devnull).open("w") as nowhere,
        ):
            classify_frames(source, self._classifier, [JsonLinesSink(nowhere)], max_frames=frames)
            return source.counts.reopened

    def held(self) -> tuple[int, int]:
        assert children(os.getpid(), "sources") == []
        return open_files(), threading.active_count()


def test_frames_leave_nothing_behind(color_models: dict[str, Path]) -> None:
    soak = Soak(color_models["uint8"])
    soak.classify(2_000)
    before, resident = soak.held(), resident_bytes()
    soak.classify(FRAMES)
    assert soak.held() == before
    assert (resident_bytes() - resident) / 1e6 < 1.0


def test_reopenings_leave_nothing_behind(color_models: dict[str, Path]) -> None:
    soak = Soak(color_models["uint8"])
    soak.classify(4 * FRAMES_BEFORE_IT_ENDS, fault="ends")
    before, resident = soak.held(), resident_bytes()
    reopened = soak.classify((REOPENINGS + 1) * FRAMES_BEFORE_IT_ENDS, fault="ends")
    # A frame may be dropped: then one more is needed.
    assert reopened >= REOPENINGS
    assert soak.held() == before
    assert (resident_bytes() - resident) / 1e6 < 1.0
