"""`edge-doctor` on machines that lack something: real processes, real missing libraries."""

import json
from pathlib import Path

import pytest

from edge_runtime.sources import DeviceKind, DeviceRequest
from edge_runtime.sources.cameras import list_cameras, stable_path
from edge_runtime.system import read_hardware
from tests.conftest import Command


def test_a_healthy_machine_has_no_problem(command: Command) -> None:
    done = command("edge-doctor", "--json")
    findings = json.loads(done.out)["findings"]
    assert {finding["topic"] for finding in findings} >= {
        "python",
        "numpy",
        "opencv",
        "engine",
        "processor",
        "disk",
    }
    problems = [finding for finding in findings if finding["level"] == "problem"]
    assert (done.code, problems) == (0, [])
    lines = command("edge-doctor").out
    assert "ok       engine     litert" in lines


@pytest.mark.parametrize(
    ("module", "error", "topic", "remedy"),
    [
        ("cv2", "libGL.so.1: cannot open shared object file", "opencv", "sudo apt install libgl1"),
        ("cv2", "libxcb.so.1: cannot open shared object file", "opencv", "sudo apt install libxcb1"),
        (
            "cv2",
            "libnew.so.7: cannot open shared object file",
            "opencv",
            "install the system library libnew.so.7",
        ),
        ("ai_edge_litert", "no module named here", "engine", "pip install"),
        (
            "numpy",
            "libopenblas.so.0: cannot open shared object file",
            "numpy",
            "sudo apt install libopenblas0",
        ),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(
    command: Command, tmp_path: Path, module: str, error: str, topic: str, remedy: str
) -> None:
    package = tmp_path / module
    package.mkdir()
    (package / "__init__.py").write_text(f"raise ImportError({error!r})")
    done = command("edge-doctor", "--json", PYTHONPATH=str(tmp_path))
    assert done.code == 9
    (finding, *_) = [each for each in json.loads(done.out)["findings"] if each["level"] == "problem"]
    assert finding["topic"] == topic
    assert remedy in finding["remedy"]
    assert {each["topic"] for each in json.loads(done.out)["findings"]} >= {"python", "processor", "disk"}


def test_a_library_that_cannot_be_imported_ends_a_command_with_one_line(
    command: Command, tmp_path: Path, color_models: dict[str, Path]
) -> None:
    (tmp_path / "numpy.py").write_text(
        "raise ImportError('libopenblas.so.0: cannot open shared object file')"
    )
    done = command(
        *("edge-classify", "-m", color_models["uint8"], "--input", "synthetic"), PYTHONPATH=str(tmp_path)
    )
    done.fails_with(2, "libopenblas.so.0")
    assert "edge-doctor" in done.err


def test_a_model_file_is_examined(command: Command, color_models: dict[str, Path], tmp_path: Path) -> None:
    good = command("edge-doctor", color_models["uint8"])
    assert good.code == 0
    assert "3 labels, 8x8 pixels, runs on litert" in good.out
    bad = tmp_path / "bad.tflite"
    bad.write_bytes(b"nothing")
    done = command("edge-doctor", bad)
    assert done.code == 9
    assert "not a TensorFlow Lite model" in done.out


def test_cameras_are_listed_in_order_and_found_again_by_their_stable_names(tmp_path: Path) -> None:
    devices, names = tmp_path / "dev", tmp_path / "names"
    (devices / "v4l" / "by-id").mkdir(parents=True)
    for number in (0, 2, 10):
        (devices / f"video{number}").touch()
        (names / f"video{number}").mkdir(parents=True)
        (names / f"video{number}" / "name").write_text(f"Camera {number}\n")
    stable = devices / "v4l" / "by-id" / "usb-Maker_Cam-video-index0"
    stable.symlink_to("../../video2")
    cameras = list_cameras(devices, names)
    assert [(camera.path.name, camera.title) for camera in cameras] == [
        ("video0", "Camera 0"),
        ("video2", "Camera 2"),
        ("video10", "Camera 10"),
    ]
    assert cameras[1].stable == stable
    request = DeviceRequest(DeviceKind.CAMERA, "2")
    assert stable_path(request, devices).address == str(stable)
    # Plugged in again under another number, it is still that one.
    stable.unlink()
    stable.symlink_to("../../video10")
    assert stable_path(stable_path(request, devices), devices) == stable_path(request, devices)


def test_the_board_tells_what_slows_it_down(tmp_path: Path) -> None:
    zone = tmp_path / "class/thermal/thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "temp").write_text("71500\n")
    firmware = tmp_path / "devices/platform/soc/soc:firmware"
    firmware.mkdir(parents=True)
    (firmware / "get_throttled").write_text("50005\n")
    board = read_hardware(tmp_path)
    assert board.temperature == 71.5
    assert board.throttled_by == ("under-voltage", "throttled")
    assert read_hardware(tmp_path / "nothing").throttled_by is None


def test_wrong_usage(command: Command) -> None:
    command("edge-doctor", "--wrong").fails_with(2, "--wrong")
