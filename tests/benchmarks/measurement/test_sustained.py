"""A target at work for some seconds, as it is and with an artificial slow-down after the first half."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.measurement.messages import Done, Prepare
from benchmarks.measurement.processes import TargetProcess
from benchmarks.measurement.sustained import Moment, Sustained, measure_sustained, summarize_sustained
from benchmarks.targets import Kind, TargetSpec
from edge_runtime.core import no_tick
from tests.conftest import paint, save

SECONDS = 6.0


def moment(at: float) -> Moment:
    return Moment(at, 10, 1.0, 1.1, None, None, None)


def test_the_first_minute_is_compared_with_the_last() -> None:
    random = np.random.default_rng(0)
    times = [(2.0 if second >= 240 else 1.0) * random.normal(1, 0.02, 30) for second in range(300)]
    found = summarize_sustained([(moment(at), each.tolist()) for at, each in enumerate(times)], 300.0)
    assert (found.window, found.images) == (60.0, 9000)
    assert (found.first.runs, found.last.runs) == (1800, 1800)
    assert found.ratio.value == pytest.approx(2.0, rel=0.01)
    assert 1.95 < found.ratio.low < found.ratio.high < 2.05


def test_a_single_moment_is_its_own_start_and_end() -> None:
    found = summarize_sustained([(moment(0.0), [1.0, 2.0])], 1.0)
    assert (found.ratio.value, found.first, found.first.runs) == (1.0, found.last, 2)


def sustained(model: Path, folder: Path, **slowed: float) -> Sustained:
    image = save(folder / "red.png", paint((255, 0, 0)))
    spec = TargetSpec("m", Kind.MODEL_FILE, str(model), num_threads=1, **slowed)
    with TargetProcess(spec, str(image)) as process:
        process.ask(Prepare((str(image),)), Done)
        return measure_sustained(process, SECONDS, no_tick)


@pytest.mark.slow
def test_a_slow_down_after_the_first_half_is_found(digits_model: Path, tmp_path: Path) -> None:
    # Beside other tests a model takes half as long again for seconds: this is more.
    slow = sustained(digits_model, tmp_path, slowdown=4, slow_after=SECONDS / 2)
    assert slow.seconds >= SECONDS
    assert slow.images >= 1024
    assert slow.window == pytest.approx(SECONDS / 4, rel=0.1)
    assert slow.ratio.low > 1.2
    ats = [each.at for each in slow.moments]
    assert ats == sorted(ats)
    assert len(ats) >= SECONDS - 1
