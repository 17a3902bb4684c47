import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from edge_runtime import Frame, read_model_file
from edge_runtime.core import clock
from edge_runtime.inference.thread_tuning import fastest_threads, remembered_threads
from edge_runtime.pipeline.throttling import Throttle, every
from edge_runtime.system import Hardware
from tests.edge_runtime.results import result


def hardware(*throttled_by: str) -> Hardware:
    return Hardware(temperature=85.0, throttle_count=None, throttled_by=throttled_by, governor=None)


def frames(count: int) -> Iterator[Frame | None]:
    return iter([result(index=index).frame for index in range(count)])


def throttle(fps: float | None) -> Throttle:
    return Throttle(fps, say=pytest.fail, read=hardware)


def test_every_takes_the_first_and_then_one_of_so_many() -> None:
    events = [None, *frames(10), None]
    taken = list(every(iter(events), 4))
    assert [frame.index for frame in taken if frame is not None] == [0, 4, 8]
    assert (taken[0], taken[-1]) == (None, None)


def test_frames_start_at_least_an_interval_apart() -> None:
    starts = [clock.now() for frame in throttle(50.0)(frames(5)) if frame is not None]
    assert len(starts) == 5
    assert all(later - earlier > 0.018 for earlier, later in pairwise(starts))


def test_there_is_an_event_at_least_twice_a_second_while_it_waits() -> None:
    moments, indices = [], []
    for frame in throttle(0.8)(frames(2)):
        moments.append(clock.now())
        indices += [] if frame is None else [frame.index]
    assert indices == [0, 1]
    assert max(later - earlier for earlier, later in pairwise(moments)) < 0.7


def test_events_without_a_frame_pass_through() -> None:
    frame = next(frames(1))
    assert list(throttle(None)(iter([None, frame, None, None]))) == [None, frame, None, None]


def test_throttling_halves_the_rate_and_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    states = [hardware("throttled"), hardware("throttled"), hardware()]
    said: list[str] = []
    stage = Throttle(None, say=said.append, read=lambda: states.pop(0))
    assert stage.interval(0.1) == pytest.approx(0.2)
    now[0] += 11
    assert stage.interval(0.1) == pytest.approx(0.2)
    now[0] += 11
    assert stage.interval(0.1) == 0
    assert len(said) == 2
    assert "the processor is throttled (throttled): working at half the rate" in said[0]
    assert "full rate" in said[1]


def test_a_frame_that_took_long_is_followed_by_a_pause_as_long_while_throttled() -> None:
    stage = Throttle(None, say=lambda _line: None, read=lambda: hardware("throttled"))
    starts = []
    for frame in stage(frames(3)):
        if frame is not None:
            starts.append(clock.now())
            time.sleep(0.05)
    assert all(later - earlier >= 0.1 for earlier, later in pairwise(starts))


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
