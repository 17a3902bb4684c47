"""Cameras with faults: real child processes that hang, crash, freeze and come back."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from edge_runtime import CameraError, DeviceKind, DeviceRequest, Frame, LiveSource, Patience
from edge_runtime.core import clock
from tests.edge_runtime.processes import children

FAULTY = (sys.executable, str(Path(__file__).parent / "faulty_camera.py"))
QUICK = Patience(lost_after=0.6, first_delay=0.05)
SIZE = {"width": 64, "height": 48}


def faulty(
    fault: str, *, patience: Patience = QUICK, said: list[str] | None = None, **fields: object
) -> LiveSource:
    request = DeviceRequest(DeviceKind.CAMERA, fault, **(SIZE | fields))  # type: ignore[arg-type]
    return LiveSource(
        request, patience=patience, say=(said if said is not None else []).append, command=FAULTY
    )


@pytest.fixture(autouse=True)
def _no_orphans() -> Iterator[None]:
    yield
    assert children(os.getpid(), "faulty_camera") == []


def test_frames_are_new_and_in_order_and_counted() -> None:
    with faulty("steady") as source:
        frames = list(islice(source, 20))
        counts = source.counts
    assert [frame.index for frame in frames] == list(range(20))
    assert all(one.captured_at < other.captured_at for one, other in pairwise(frames))
    assert all((one.image != other.image).any() for one, other in pairwise(frames))
    assert frames[0].image.shape == (48, 64, 3)
    assert frames[0].source == "camera:steady"
    assert counts.read >= 20
    assert (counts.repeated, counts.damaged, counts.reopened) == (0, 0, 0)


def test_a_slow_reader_gets_the_newest_frame_and_the_others_count_as_dropped() -> None:
    with faulty("steady") as source:
        frames = iter(source)
        next(frames)
        time.sleep(0.5)
        frame = next(frames)
        age = clock.now() - frame.captured_at
        counts = source.counts
    assert age < 0.2
    assert counts.dropped > 20


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("frozen", "identical frames for 0.6 s"),
        ("hangs", "no new frame for 0.6 s"),
        ("hangs-hard", "no new frame for 0.6 s"),
        ("crashes", "ended by SIGSEGV"),
        ("ends", "gave no more frames"),
        ("raises", "the cable is loose"),
    ],
)
def test_a_lost_camera_is_opened_again_and_only_new_frames_come(fault: str, reason: str) -> None:
    said: list[str] = []
    with faulty(fault, said=said) as source:
        frames = list(islice(source, 12))
        assert source.counts.reopened >= 2
    assert [frame.index for frame in frames] == list(range(12))
    assert all(one.captured_at < other.captured_at for one, other in pairwise(frames))
    assert said[0] == "camera:" + fault + ": a moving pattern of 64x48"
    assert said[1].startswith(f"camera:{fault}: lost: ")
    assert reason in said[1]
    assert said[2].startswith(f"camera:{fault}: back after ")
    # Transitions are told, not attempts: lost, back, lost, back …
    assert all(("lost: " in line) == (number % 2 == 0) for number, line in enumerate(said[1:]))


@pytest.mark.parametrize(
    "lie",
    [
        "no json",
        "5",
        "x" * 100_000,
        "[" * 5000,
        '{"shape": [-1, -1, 3], "captured_at": 0, "wall_time": 0}',
        '{"shape": [99999, 99999, 3], "captured_at": 0, "wall_time": 0}',
        '{"shape": "big", "captured_at": 0, "wall_time": 0}',
        '{"shape": [4, 4, 3]}',
    ],
)
def test_a_child_that_lies_is_replaced(lie: str) -> None:
    said: list[str] = []
    with faulty(f"lies={lie}", said=said) as source:
        assert len(list(islice(source, 7))) == 7
        assert source.counts.reopened >= 1
    assert any("malformed message" in line for line in said)


def test_a_killed_child_is_replaced() -> None:
    said: list[str] = []
    with faulty("steady", said=said) as source:
        frames = iter(source)
        before = next(frames)
        for child in children(os.getpid(), "faulty_camera"):
            os.kill(child, signal.SIGKILL)
        after = next(frames)
    assert after.captured_at > before.captured_at
    assert "ended by SIGKILL" in said[1]


def test_a_change_of_resolution_is_followed() -> None:
    with faulty("resizes") as source:
        shapes = {frame.image.shape[0] for frame in islice(source, 12)}
    assert shapes == {16, 24, 32}


def test_a_camera_that_was_never_there_is_an_error_at_once_and_waited_for_on_request(tmp_path: Path) -> None:
    mark = tmp_path / "plugged-in"
    with faulty(f"opens-late={mark}") as source, pytest.raises(CameraError, match="not plugged in"):
        next(iter(source))
    said: list[str] = []
    request = DeviceRequest(DeviceKind.CAMERA, f"opens-late={mark}")
    patience = Patience(lost_after=0.6, wait_at_start=True, first_delay=0.2)
    idle: list[float] = []
    with LiveSource(request, patience=patience, say=said.append, command=FAULTY) as source:
        for frame in source.events():
            if isinstance(frame, Frame):
                break
            if not idle and not source.status.lost:
                # Its process is still being started.
                continue
            assert source.status.lost
            idle.append(clock.now())
            if len(idle) == 4:
                mark.touch()
        assert not source.status.lost
    assert len(idle) >= 4
    # The loop gets control often: the watchdog is served by it.
    assert max(later - earlier for earlier, later in pairwise(idle)) < 2.0
    assert sum("lost" in line for line in said) == 1


def test_it_is_given_up_after_the_time_that_was_asked_for() -> None:
    patience = Patience(lost_after=0.3, give_up_after=0.8, first_delay=0.1, wait_at_start=True)
    with faulty("opens-late=/nonexistent", patience=patience) as source:
        started = clock.now()
        with pytest.raises(CameraError, match=r"lost for good after 0\.8 s: .*not plugged in"):
            next(iter(source))
    assert 0.8 <= clock.now() - started < 10


def test_closing_ends_a_child_that_hangs_within_two_seconds() -> None:
    source = faulty("hangs-hard")
    for _ in islice(source, 4):
        pass
    time.sleep(0.2)
    started = clock.now()
    source.close()
    assert clock.now() - started < 3


def test_a_camera_that_repeats_itself_is_new_where_that_is_asked_for() -> None:
    with faulty("frozen", skip_repeated=False) as source:
        frames = list(islice(source, 15))
        assert source.counts.reopened == 0
    np.testing.assert_array_equal(frames[-1].image, frames[-2].image)
