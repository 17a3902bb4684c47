from itertools import pairwise
from pathlib import Path

import pytest

from edge_runtime import read_model_file
from edge_runtime.core import clock
from edge_runtime.inference.thread_tuning import fastest_threads, remembered_threads
from edge_runtime.pipeline.throttling import Pace, every, paced
from edge_runtime.system import Hardware
from tests.edge_runtime.results import result


def board(*throttled_by: str) -> Hardware:
    return Hardware(temperature=85.0, throttle_count=None, throttled_by=throttled_by, governor=None)


def test_every_takes_the_first_and_then_one_of_so_many() -> None:
    frames = [result(index=index).frame for index in range(10)]
    assert [frame.index for frame in every(frames, 4)] == [0, 4, 8]


def test_frames_start_at_least_an_interval_apart() -> None:
    frames = [result(index=index).frame for index in range(5)]
    starts = []
    for _ in paced(frames, Pace(50.0, say=pytest.fail, board=board)):
        starts.append(clock.now())  # noqa: PERF401 - the time between the frames is what counts
    assert all(later - earlier > 0.018 for earlier, later in pairwise(starts))


def test_whoever_drives_the_loop_is_called_while_it_waits() -> None:
    frames = [result(index=index).frame for index in range(2)]
    beats: list[float] = []
    list(paced(frames, Pace(0.8, say=pytest.fail, board=board), lambda: beats.append(clock.now())))
    assert len(beats) >= 3


def test_heat_halves_the_rate_and_is_told_once() -> None:
    states = [board("throttled"), board("throttled"), board()]
    said: list[str] = []
    pace = Pace(None, say=said.append, board=lambda: states.pop(0))
    pace.worked(0.1)
    assert pace.interval() == pytest.approx(0.2)
    pace._look_at = clock.now()
    assert pace.interval() == pytest.approx(0.2)
    pace._look_at = clock.now()
    assert pace.interval() == 0
    assert len(said) == 2
    assert "slows the processor down (throttled): working at half the rate" in said[0]
    assert "full rate" in said[1]


def test_the_fastest_number_of_threads_is_measured_once(
    color_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    file = read_model_file(color_models["uint8"])
    assert remembered_threads(file) is None
    found = fastest_threads(file)
    # A model as small as this one gains nothing from a second thread.
    assert found == 1
    assert remembered_threads(file) == found
    monkeypatch.setattr(
        "edge_runtime.inference.thread_tuning.open_engine",
        lambda *_args, **_kwargs: pytest.fail("measured again"),
    )
    assert fastest_threads(file) == found


def test_without_a_cache_it_is_measured_anew(
    color_models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert fastest_threads(read_model_file(color_models["uint8"])) >= 1
