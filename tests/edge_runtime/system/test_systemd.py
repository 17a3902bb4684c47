"""What systemd sees: a real socket, a real process."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from edge_runtime.core import clock
from edge_runtime.system import Notifier
from tests.conftest import BIN, Command


class Systemd:
    """The socket that systemd would listen on."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.settimeout(20)

    def hear(self) -> str:
        return self._socket.recv(4096).decode()

    def hear_until(self, message: str) -> list[str]:
        heard = [self.hear()]
        while not heard[-1].startswith(message):
            heard.append(self.hear())
        return heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Systemd:
    return Systemd(tmp_path)


def start(model: Path, systemd: Systemd, *arguments: object) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "1000000"}
    return subprocess.Popen(
        [BIN / "edge-classify", "-m", model, *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )


def test_ready_comes_after_the_first_answer_and_the_watchdog_follows_the_work(
    systemd: Systemd, color_models: dict[str, Path]
) -> None:
    process = start(color_models["uint8"], systemd, "--input", "synthetic", "--fps", "20")
    assert systemd.hear_until("READY=1")
    times = []
    for _ in range(4):
        systemd.hear_until("WATCHDOG=1")
        times.append(clock.now())
    assert times[-1] - times[0] < 3
    process.terminate()
    systemd.hear_until("STOPPING=1")
    assert process.wait(5) == 0
    systemd.close()


def test_a_camera_that_is_not_there_is_no_reason_for_the_watchdog(
    systemd: Systemd, color_models: dict[str, Path]
) -> None:
    process = start(color_models["uint8"], systemd, "--camera", "/dev/video97", "--wait")
    heard = (
        systemd.hear_until("WATCHDOG=1")
        + systemd.hear_until("WATCHDOG=1")
        + systemd.hear_until("STATUS=waiting")
    )
    assert "READY=1" not in heard
    process.terminate()
    assert process.wait(5) == 0
    systemd.close()


def test_a_loop_that_hangs_is_seen(systemd: Systemd) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "200000"})
    notifier.beat()
    notifier.beat()
    assert systemd.hear() == "WATCHDOG=1"
    time.sleep(0.15)
    notifier.beat()
    notifier.ready()
    notifier.ready()
    notifier.stopping()
    assert [systemd.hear() for _ in range(3)] == ["WATCHDOG=1", "READY=1", "STOPPING=1"]
    systemd.close()


def test_a_systemd_that_has_gone_is_no_error(systemd: Systemd) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(systemd.path)})
    systemd.close()
    notifier.ready()
    notifier.stopping()


def test_without_systemd_nothing_happens() -> None:
    notifier = Notifier({})
    notifier.ready()
    notifier.beat()
    notifier.status("fine")


def test_the_unit_runs_the_same_command_line(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    folder.mkdir()
    arguments = ("--camera", "0", "-m", "my birds 100%.tflite", "--to", "jsonl:a$b.jsonl")
    done = command("edge-classify", *arguments, "--print-service", cwd=folder)
    assert done.code == 0
    lines = dict(line.split("=", 1) for line in done.out.splitlines() if "=" in line)
    assert lines["ExecStart"] == (
        f'{BIN / "edge-classify"} --camera 0 -m "my birds 100%%.tflite" --to "jsonl:a$$b.jsonl" --wait'
    )
    assert lines["WorkingDirectory"] == str(folder)
    assert lines["Type"] == "notify"
    assert "systemctl enable --now" in done.err


def test_paths_that_the_units_private_tmp_hides_are_named(command: Command) -> None:
    words = "--camera 0 -m /tmp/m.tflite --to jsonl:/var/tmp/r.jsonl --labels /tmpx/l --print-service"
    done = command("edge-classify", *words.split(), cwd=Path("/"))
    assert done.err.count("warning: the service has a private /tmp") == 2
    assert "will not see /tmp/m.tflite: use another folder" in done.err
    assert "will not see jsonl:/var/tmp/r.jsonl: use another folder" in done.err


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_accepts_the_unit(command: Command, tmp_path: Path) -> None:
    unit = tmp_path / "edge-classify.service"
    done = command("edge-classify", "--camera", "0", "-m", "a b.tflite", "--print-service")
    unit.write_text(done.out)
    verified = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    complaints = [line for line in verified.stderr.splitlines() if unit.name in line]
    assert complaints == []


def test_a_files_name_cannot_send_messages_to_systemd(systemd: Systemd) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(systemd.path)})
    notifier.status("1.0 frames/s, cat, x\nWATCHDOG=trigger\nMAINPID=1\udcff.jpg")
    assert systemd.hear() == "STATUS=1.0 frames/s, cat, x?WATCHDOG=trigger?MAINPID=1?.jpg"
    notifier.stopping()
    systemd.close()


def test_a_unit_holds_no_password(command: Command, tmp_path: Path) -> None:
    url = "rtsp://admin:secret@cam.local/live"
    done = command("edge-classify", "--input", url, "--print-service")
    done.fails_with(2, "--config", "TOML")
    assert "secret" not in done.out + done.err
    (tmp_path / "camera.toml").write_text(f'input = "{url}"\n')
    printed = command("edge-classify", "--config", tmp_path / "camera.toml", "--print-service")
    assert printed.code == 0
    assert "secret" not in printed.out + printed.err
    assert "Description=edge-classify (rtsp://cam.local/live)" in printed.out
    assert "--wait" in printed.out
