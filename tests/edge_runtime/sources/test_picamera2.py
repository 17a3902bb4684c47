"""picamera2 is only on a Raspberry Pi: a module of that name stands in, in a real capture child."""

from itertools import islice
from pathlib import Path

import pytest

from edge_runtime import CameraError, LiveSource, camera_request
from edge_runtime.sources.live import CAPTURE

STAND_IN = """
from pathlib import Path
import numpy as np
JOURNAL = Path(__file__).with_name("journal")
class Picamera2:
    def __init__(self, number):
        if number > 1:
            raise IndexError("list index out of range")
        self.count = 0
        self.tell(f"open {number}")
    def tell(self, line):
        with JOURNAL.open("a") as journal:
            journal.write(line + "\\n")
    def create_video_configuration(self, main, controls):
        self.tell(f"ask {main['size']} {main['format']} {controls}")
        return {"main": {"size": (320, 240), "format": main["format"]}}
    def configure(self, configuration):
        self.configuration = configuration
    def camera_configuration(self):
        return self.configuration
    def start(self):
        self.tell("start")
    def capture_array(self, name):
        self.count += 1
        image = np.zeros((240, 320, 3), np.uint8)
        image[..., 0] = 200
        image[..., 2] = self.count % 100
        return image
    def stop(self):
        self.tell("stop")
    def close(self):
        self.tell("close")
"""


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "picamera2.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "journal"


def test_it_gives_rgb_and_is_closed_properly(journal: Path) -> None:
    said: list[str] = []
    with LiveSource(camera_request("picamera2:1"), say=said.append, command=CAPTURE) as source:
        frames = list(islice(source, 3))
    assert frames[0].image.shape == (240, 320, 3)
    assert frames[0].image[0, 0, 0] == 200
    assert frames[0].source == "picamera2:1"
    assert said == ["picamera2:1: 320x240, BGR888, picamera2"]
    asked = "ask (640, 480) BGR888 {}"
    assert journal.read_text().splitlines() == ["open 1", asked, "start", "stop", "close"]


def test_a_number_that_is_not_there_says_what_to_do(journal: Path) -> None:
    with (
        LiveSource(camera_request("picamera2:7"), say=pytest.fail) as source,
        pytest.raises(CameraError, match=r"picamera2 has no camera 7 .*rpicam-hello"),
    ):
        next(iter(source))


def test_without_the_library_the_package_is_named() -> None:
    with (
        LiveSource(camera_request("picamera2"), say=pytest.fail) as source,
        pytest.raises(CameraError, match="sudo apt install python3-picamera2"),
    ):
        next(iter(source))
