"""Against a real mosquitto: up, down, coming back, taking connections and never reading."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from edge_runtime import UsageError
from edge_runtime.core import clock
from edge_runtime.drift import Change, DriftStatus
from edge_runtime.sinks import RunSnapshot
from edge_runtime.sinks.mqtt import QUEUE, Broker, MqttSink
from edge_runtime.sources import SourceStatus
from edge_runtime.update import UpdateState, UpdateStatus
from tests.conftest import BIN, Command
from tests.edge_runtime.results import result

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
needs_broker = pytest.mark.skipif(not MOSQUITTO, reason="mosquitto is not installed: apt install mosquitto")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Mosquitto:
    """A broker on a port of its own."""

    def __init__(
        self, folder: Path, *, port: int | None = None, settings: str = "allow_anonymous true"
    ) -> None:
        self.port = port or free_port()
        config = folder / f"{self.port}.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\n{settings}\n")
        self._process = subprocess.Popen(
            [str(MOSQUITTO), "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(lambda: self._answers())

    def _answers(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


class Listener:
    """Somebody who reads all topics."""

    def __init__(self, port: int) -> None:
        self.messages: Queue[tuple[str, str, bool]] = Queue()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _c, _d, message: self.messages.put(
            (message.topic, message.payload.decode(), message.retain)
        )
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("#", qos=1)
        self._client.loop_start()

    def next(self, topic: str) -> tuple[str, bool]:
        deadline = clock.now() + 20
        while clock.now() < deadline:
            try:
                found, payload, retained = self.messages.get(timeout=1)
            except Empty:
                continue
            if found == topic:
                return payload, retained
        raise AssertionError(f"nothing on {topic}")

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    running = Mosquitto(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def listener(broker: Mosquitto) -> Iterator[Listener]:
    listening = Listener(broker.port)
    yield listening
    listening.stop()


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = clock.now() + seconds
    while not condition():
        assert clock.now() < deadline, "it did not happen in time"
        time.sleep(0.02)


def at(port: int, **fields: object) -> Broker:
    return Broker(host="127.0.0.1", port=port, topic="pi/cam", **fields)  # type: ignore[arg-type]


@needs_broker
def test_results_availability_and_discovery_arrive(broker: Mosquitto, listener: Listener) -> None:
    said: list[str] = []
    sink = MqttSink(at(broker.port, discovery="homeassistant"), say=said.append)
    sink.emit(result("Kohlmeise ☂"))
    payload, _ = listener.next("pi/cam/result")
    assert json.loads(payload)["answer"] == "Kohlmeise ☂"
    sink.close()
    late = Listener(broker.port)
    assert late.next("pi/cam/status") == ("offline", True)
    config, retained = late.next("homeassistant/sensor/edge_classify_pi_cam/config")
    assert retained
    assert json.loads(config)["availability_topic"] == "pi/cam/status"
    assert json.loads(config)["state_topic"] == "pi/cam/result"
    late.stop()
    assert said == [f"mqtt 127.0.0.1:{broker.port}: connected, results on pi/cam/result"]


class SlowAnswers:
    """A way to a broker on which its answers take their time."""

    def __init__(self, port: int, seconds: float) -> None:
        self._broker_port, self._seconds = port, seconds
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def _serve(self) -> None:
        with self._server:
            client, _ = self._server.accept()
        with client, socket.create_connection(("127.0.0.1", self._broker_port)) as broker:
            there = threading.Thread(target=self._carry, args=(client, broker, 0.0))
            there.start()
            self._carry(broker, client, self._seconds)
            there.join()

    def _carry(self, source: socket.socket, target: socket.socket, seconds: float) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                time.sleep(seconds)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@needs_broker
@pytest.mark.parametrize("delay", [0.0, 0.5])
def test_a_sink_that_lives_for_one_image_delivers_it_and_ends_offline(
    broker: Mosquitto, listener: Listener, delay: float
) -> None:
    way = SlowAnswers(broker.port, delay)
    sink = MqttSink(at(way.port), say=lambda _line: None)
    time.sleep(delay / 2)  # the connection stands, the broker's word is on its way
    for index in range(50):
        sink.emit(result(index=index))
    sink.close()
    way.join()
    found = [json.loads(listener.next("pi/cam/result")[0])["frame_id"] for _ in range(50)]
    assert sorted(found) == list(range(50))
    late = Listener(broker.port)
    assert late.next("pi/cam/status") == ("offline", True)
    late.stop()


@needs_broker
def test_the_broker_says_offline_when_the_process_is_killed(
    broker: Mosquitto, listener: Listener, color_models: dict[str, Path]
) -> None:
    process = subprocess.Popen(
        [
            *(BIN / "edge-classify", "-m", color_models["uint8"], "--input", "synthetic", "--fps", "5"),
            *("--to", f"mqtt://127.0.0.1:{broker.port}/pi/cam"),
        ],
        stderr=subprocess.DEVNULL,
    )
    assert listener.next("pi/cam/status")[0] == "online"
    listener.next("pi/cam/result")
    process.kill()
    process.wait()
    assert listener.next("pi/cam/status")[0] == "offline"


@needs_broker
def test_a_broker_that_comes_late_goes_and_comes_back_costs_no_time(tmp_path: Path) -> None:
    said: list[str] = []
    port = free_port()
    sink = MqttSink(at(port), say=said.append)
    started = clock.now()
    for index in range(QUEUE + 50):
        sink.emit(result(index=index))
    assert clock.now() - started < 2
    assert sink.dropped == 50
    broker = Mosquitto(tmp_path, port=port)
    wait_until(lambda: any("connected" in line for line in said))
    broker.stop()
    wait_until(lambda: "the connection is lost" in said[-1])
    broker = Mosquitto(tmp_path, port=port)
    wait_until(lambda: "connected" in said[-1])
    sink.close()
    broker.stop()
    assert len(said) == 4, said
    assert "no answer" in said[0]


def test_a_broker_that_never_reads_fills_the_queue_and_no_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sink = MqttSink(at(silent.getsockname()[1]), say=lambda _line: None)
        time.sleep(0.5)
        started = clock.now()
        for index in range(5000):
            sink.emit(result(index=index))
        spent = clock.now() - started
        assert sink.dropped == 5000 - QUEUE
        assert spent < 5
        started = clock.now()
        sink.close()
        assert clock.now() - started < 5


@needs_broker
def test_a_password_and_a_refusal(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    mosquitto_passwd = shutil.which("mosquitto_passwd", path=f"{os.environ['PATH']}:/usr/sbin")
    subprocess.run([str(mosquitto_passwd), "-b", "-c", passwords, "pi", "secret"], check=True)
    passwords.chmod(0o644)
    tmp_path.chmod(0o755)
    broker = Mosquitto(tmp_path, settings=f"allow_anonymous false\npassword_file {passwords}\nuser root")
    said: list[str] = []
    wrong = MqttSink(at(broker.port, user="pi", password="wrong"), say=said.append)
    wait_until(lambda: bool(said))
    assert "refuses the connection" in said[0]
    wrong.close()
    right = MqttSink(at(broker.port, user="pi", password="secret"), say=said.append)
    wait_until(lambda: "connected" in said[-1])
    right.close()
    broker.stop()


@needs_broker
@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_tls_checks_the_certificate(tmp_path: Path, command: Command, color_models: dict[str, Path]) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext"
    subprocess.run(
        [*words.split(), "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    broker = Mosquitto(
        tmp_path, settings=f"allow_anonymous true\ncertfile {certificate}\nkeyfile {key}\nuser root"
    )
    arguments = ("-m", color_models["uint8"], "--input", "synthetic", "--fps", "5", "--max-frames", "5")
    arguments += ("--to", f"mqtts://127.0.0.1:{broker.port}")
    unknown = command("edge-classify", *arguments)
    assert (unknown.code, unknown.err.count("\n")) == (0, 1)
    assert "its certificate is not accepted" in unknown.err
    known = command("edge-classify", *arguments, "--mqtt-ca", certificate)
    assert "connected, results on edge-classify/result" in known.err
    command("edge-classify", *arguments, "--mqtt-ca", tmp_path / "none").fails_with(2, "--mqtt-ca", "none")
    broker.stop()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mqtt://", "an MQTT broker is"),
        ("http://host", "an MQTT broker is"),
        ("mqtt://host:99999", "an MQTT broker is"),
        ("mqtt://host/a/#", "an MQTT broker is"),
        ("mqtt://pi:secret@host", "no password in the URL"),
    ],
)
def test_what_is_no_broker_is_refused(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        Broker.parse(url, password=None)
    assert "secret" not in str(caught.value)


def test_a_broker_has_defaults() -> None:
    assert Broker.parse("mqtt://Host", password=None) == Broker("host", 1883, "edge-classify")
    assert Broker.parse("mqtts://p%40i@h:1/a/b/", password="x") == Broker(
        "h",
        1,
        "a/b",
        user="p@i",
        password="x",
        tls=True,
    )


@needs_broker
def test_drift_is_published_at_a_change_retained_and_as_a_diagnostic_entity(broker: Mosquitto) -> None:
    def status(*changes: Change) -> RunSnapshot:
        drift = DriftStatus(changes, "; ".join(changes), {"brightness": 9.5}, {"brightness": 80.0}, {}, {})
        return RunSnapshot("0" * 64, SourceStatus("camera:0"), 5.0, {}, drift)

    listener = Listener(broker.port)
    sink = MqttSink(at(broker.port, discovery="homeassistant"), say=lambda _line: None)
    config = json.loads(listener.next("homeassistant/binary_sensor/edge_classify_pi_cam_drift/config")[0])
    for snapshot in (status(), status(), status(Change.DARKER), status(Change.DARKER), status()):
        sink.publish(snapshot)
        sink.emit(result("cat"))
    found = [json.loads(listener.next("pi/cam/drift")[0]) for _ in range(3)]
    assert [each["drift"] for each in found] == [False, True, False]
    assert found[1]["changes"] == ["darker"]
    assert found[1]["running"]["brightness"] == 9.5
    assert config["entity_category"] == "diagnostic"
    assert config["state_topic"] == "pi/cam/drift"
    sink.close()
    listener.stop()
    late = Listener(broker.port)
    payload, retained = late.next("pi/cam/drift")
    assert (json.loads(payload)["drift"], retained) == (False, True)
    late.stop()


@needs_broker
def test_the_versions_of_the_model_are_published_at_a_change_and_as_an_update_entity(
    broker: Mosquitto,
) -> None:
    def snapshot(installed: str, available: str, state: UpdateState) -> RunSnapshot:
        update = UpdateStatus(installed, available, state)
        return RunSnapshot("0" * 64, SourceStatus("camera:0"), 5.0, {}, None, update)

    listener = Listener(broker.port)
    sink = MqttSink(at(broker.port, discovery="homeassistant"), say=lambda _line: None, updates=True)
    config = json.loads(listener.next("homeassistant/update/edge_classify_pi_cam_update/config")[0])
    assert config["state_topic"] == "pi/cam/update"
    assert "command_topic" not in config
    for each in (
        snapshot("1", "1", UpdateState.CURRENT),
        snapshot("1", "1", UpdateState.CURRENT),
        snapshot("2", "2", UpdateState.TRIAL),
        snapshot("1", "2", UpdateState.ROLLED_BACK),
    ):
        sink.publish(each)
    found = [json.loads(listener.next("pi/cam/update")[0]) for _ in range(3)]
    assert [each["installed_version"] for each in found] == ["1", "2", "1"]
    assert found[-1] == {"installed_version": "1", "latest_version": "2", "state": "rolled back"}
    sink.close()
    listener.stop()
    late = Listener(broker.port)
    payload, retained = late.next("pi/cam/update")
    assert (json.loads(payload)["latest_version"], retained) == ("2", True)
    late.stop()
