"""The container and the Home Assistant add-on: what can be checked without a container engine."""

import http.server
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.commands import BIN
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
ADD_ON = DEPLOY / "home-assistant"

OPTION_TYPE = r"(str|bool|int|float|password|email|port|url)(\([-0-9.]*,[-0-9.]*\))?\??"
"""Types of options that Home Assistant knows, as its documentation lists them."""

INSTRUCTIONS = {
    "FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD",
}  # fmt: skip

BROKER = {"host": "core-mosquitto", "port": 1883, "username": "add-on", "password": "s3cret", "ssl": False}


@pytest.fixture(scope="module")
def add_on() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run", ADD_ON / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return dict(yaml.safe_load((ADD_ON / "config.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", ["Dockerfile", "home-assistant/Dockerfile"])
def test_the_recipe_copies_what_there_is_and_installs_by_the_script(path: str) -> None:
    words = dockerfile(DEPLOY / path)
    assert {name for name, _ in words} <= INSTRUCTIONS
    assert any("install.sh --wheels" in text for name, text in words if name == "RUN")
    for name, text in words:
        for copied in text.split()[:-1] if name == "COPY" and "--from" not in text else []:
            folder = ROOT if path == "Dockerfile" else ADD_ON
            assert "*" in copied or copied == "install.sh" or (folder / copied).exists()


def test_the_container_has_a_user_without_rights_and_a_health_check() -> None:
    words = dockerfile(DEPLOY / "Dockerfile")
    user = [text for name, text in words if name == "USER"]
    assert user == ["edge"]
    assert [name for name, _ in words].index("USER") < [name for name, _ in words].index("ENTRYPOINT")
    (health,) = (text for name, text in words if name == "HEALTHCHECK")
    code = json.loads(health[health.index("[") :])
    assert code[0] == "python3"
    with serving(Healthy) as port:
        program = code[2].replace(":8080", f":{port}")
        for status, expected in ((200, 0), (503, 1)):
            Healthy.status = status
            done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
            assert done.returncode == expected


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[int]:
    """The port of a server with this handler."""
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


class Healthy(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        assert self.path == "/healthz"
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_compose_is_valid_and_takes_every_right_away() -> None:
    schema = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"]
    subprocess.run(schema, check=True, stdout=subprocess.DEVNULL)
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"][
        "edge-classify"
    ]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    accepted(["edge-classify", "--preview", "8080", *service["command"]])


def test_the_add_ons_options_have_types_defaults_and_names(config: dict[str, Any]) -> None:
    assert {"name", "version", "slug", "description", "arch"} <= set(config)
    assert set(config["options"]) | {"preview_token"} == set(config["schema"])
    for name, kind in config["schema"].items():
        assert re.fullmatch(OPTION_TYPE, kind[0] if isinstance(kind, list) else kind), name
    names = yaml.safe_load((ADD_ON / "translations" / "en.yaml").read_text(encoding="utf-8"))["configuration"]
    assert set(names) == set(config["schema"])
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert config["version"] == version[1]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, ["--camera", "0"]),
        ({"input": "/dev/video2"}, ["--camera", "/dev/video2"]),
        ({"input": "rtsp://camera.local/stream"}, ["--input", "rtsp://camera.local/stream"]),
        ({"save_frames": True}, ["--save-frames", "/config/frames"]),
        ({"arguments": ["--roi", "10,10,200,200"]}, ["--roi", "10,10,200,200"]),
    ],
)
def test_options_become_a_command_that_is_accepted(
    add_on: ModuleType, config: dict[str, Any], changed: dict[str, Any], words: list[str]
) -> None:
    line = add_on.command_line({**config["options"], **changed}, BROKER)
    assert any(line[start : start + len(words)] == words for start in range(len(line)))
    assert "s3cret" not in " ".join(line)
    assert "mqtt://add-on@core-mosquitto:1883/edge-classify" in line
    accepted(line)


def accepted(line: list[str]) -> None:
    """edge-classify takes these options."""
    done = subprocess.run(
        [BIN / line[0], *line[1:], "--print-service"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def supervisor() -> Iterator[str]:
    """Home Assistant's Supervisor, as far as the add-on asks it."""
    with serving(Supervisor) as port:
        yield f"http://127.0.0.1:{port}/services/mqtt"


class Supervisor(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ours = self.headers["Authorization"] == "Bearer token-of-the-supervisor"
        self.send_response(200 if ours else 403)
        self.end_headers()
        self.wfile.write(json.dumps({"result": "ok", "data": BROKER}).encode() if ours else b"{}")

    def log_message(self, *_: object) -> None:
        pass


def run_add_on(folder: Path, supervisor: str, options: dict[str, Any], token: str) -> "subprocess.Popen[str]":
    """The add-on's program, with its folders here."""
    (folder / "options.json").write_text(json.dumps(options), encoding="utf-8")
    program = f"""if True:
        from pathlib import Path
        from runpy import run_path
        main = run_path({str(ADD_ON / "run.py")!r})["main"]
        main.__globals__.update(CONFIG=Path({str(folder)!r}), DATA=Path({str(folder)!r}), PORT=0)
        main()"""
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "EDGE_SUPERVISOR_MQTT": supervisor,
        "SUPERVISOR_TOKEN": token,
    }
    return subprocess.Popen(
        [sys.executable, "-c", program],
        text=True,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_the_add_on_becomes_edge_classify(
    digits_model: Path, config: dict[str, Any], supervisor: str, tmp_path: Path
) -> None:
    options = {**config["options"], "model": str(digits_model), "input": "synthetic"}
    process = run_add_on(tmp_path, supervisor, options, "token-of-the-supervisor")
    assert process.stderr is not None
    try:
        assert "?token=" in next(text for text in process.stderr if "http://" in text)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0


def test_without_a_broker_it_says_what_to_install(
    digits_model: Path, config: dict[str, Any], supervisor: str, tmp_path: Path
) -> None:
    process = run_add_on(tmp_path, supervisor, config["options"], "wrong")
    _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert said.startswith("Home Assistant offers no MQTT broker (HTTP Error 403")
    assert len(said.splitlines()) == 1


def dockerfile(path: Path) -> list[tuple[str, str]]:
    """Instruction and text of each."""
    lines = path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    return [
        (name, text.strip())
        for name, _, text in (line.partition(" ") for line in lines if line and line[0] != "#")
    ]
