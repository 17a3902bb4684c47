"""The preview over real sockets."""

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_runtime import ModelError, OutputError, Result
from edge_runtime.core import UNKNOWN, Image, clock
from edge_runtime.drift import Change, DriftStatus
from edge_runtime.images import decode_image
from edge_runtime.serving import WebAddress
from edge_runtime.sinks import RunSnapshot
from edge_runtime.sinks.metrics import Metrics
from edge_runtime.sinks.web import MAX_CONNECTIONS, MAX_VIEWERS, WebSink
from edge_runtime.sources import Counts, SourceStatus
from edge_runtime.sources.jpeg_splitter import split_jpegs
from tests.conftest import paint
from tests.edge_runtime.results import result

TOKEN = "not-a-secret"


@pytest.fixture
def web() -> Iterator[WebSink]:
    counts = Counts(read=9, dropped=4, reopened=2)
    metrics = Metrics()
    metrics.publish(RunSnapshot("abc", SourceStatus("camera:0", counts=counts), 5.0, {"mqtt": 7}))
    sink = WebSink(WebAddress(0), metrics)
    yield sink
    sink.close()


def get(url: str, **headers: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_page_and_the_status(web: WebSink) -> None:
    assert "<title>edge-classify</title>" in get(web.url)[1]
    assert json.loads(get(web.url + "status.json")[1]) == {"result": None}
    web.emit(result("cat"))
    status = json.loads(get(web.url + "status.json")[1])
    assert status["result"]["answer"] == "cat"
    assert get(web.url + "nothing")[0] == 404


def test_health_follows_the_loop_and_needs_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = WebSink(WebAddress(0, "0.0.0.0", TOKEN))
    address = f"http://127.0.0.1:{sink.port}/healthz"
    try:
        assert get(f"http://127.0.0.1:{sink.port}/status.json")[0] == 403
        assert get(address)[0] == 200
        later = clock.now() + 61
        monkeypatch.setattr(clock, "now", lambda: later)
        assert get(address)[0] == 503
        sink.publish(RunSnapshot("abc", SourceStatus("camera:0"), 0.0, {}))
        assert get(address)[0] == 200, "the camera is away, the loop goes on"
    finally:
        sink.close()


def test_the_stream_shows_the_newest_image(web: WebSink) -> None:
    web.emit(result("cat"))
    with urllib.request.urlopen(web.url + "stream.mjpg", timeout=10) as stream:
        assert stream.headers.get_content_type() == "multipart/x-mixed-replace"
        jpeg = next(split_jpegs(iter(lambda: stream.read1(4096), b"")))
    assert decode_image(jpeg, at_least=0).shape == (48, 64, 3)


def test_viewers_that_take_nothing_cost_the_loop_nothing(web: WebSink) -> None:
    stuck = []
    for _ in range(MAX_VIEWERS):
        client = socket.create_connection(("127.0.0.1", web.port))
        client.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        stuck.append(client)
    time.sleep(0.5)
    assert get(web.url + "stream.mjpg")[0] == 503
    slowest = 0.0
    for index in range(200):
        started = clock.now()
        web.emit(result("cat", index=index))
        slowest = max(slowest, clock.now() - started)
        time.sleep(0.001)
    assert slowest < 0.05
    for client in stuck:
        client.close()


def test_metrics_tell_what_was_counted(web: WebSink) -> None:
    metrics = web._metrics
    assert metrics is not None
    for answer in ("cat", "cat", UNKNOWN):
        metrics.emit(result(answer))
    text = get(web.url + "metrics")[1]
    for line in (
        'edge_classify_frames_total{answer="cat"} 2.0',
        'edge_classify_frames_total{answer="unknown"} 1.0',
        'edge_classify_stage_seconds_bucket{le="0.005",stage="invoke"} 3.0',
        "edge_classify_frame_age_seconds_count 3.0",
        "edge_classify_source_dropped_total 4.0",
        "edge_classify_source_reopened_total 2.0",
        'edge_classify_queue_dropped_total{sink="mqtt"} 7.0',
        'edge_classify_model_info{sha256="abc"} 1.0',
    ):
        assert line in text.splitlines(), text


def test_another_site_that_points_here_is_refused(web: WebSink) -> None:
    assert get(web.url, Host="evil.example:80")[0] == 403
    assert get(web.url, Host=f"localhost:{web.port}")[0] == 200
    assert get(web.url, Host="[::1]:80")[0] == 200


def test_other_addresses_need_a_token() -> None:
    sink = WebSink(WebAddress(0, "0.0.0.0", TOKEN))
    plain = f"http://127.0.0.1:{sink.port}/"
    try:
        assert sink.url.endswith(f":{sink.port}/?token={TOKEN}")
        for path in ("", "status.json", "stream.mjpg", "metrics"):
            assert get(plain + path)[0] == 403
        assert get(f"{plain}?token=wrong")[0] == 403
        assert get(f"{plain}?token={TOKEN}")[0] == 200
        assert get(f"{plain}status.json", Authorization=f"Bearer {TOKEN}")[0] == 200
        assert get(f"{plain}status.json", Cookie=f"edge_token={TOKEN}")[0] == 200
    finally:
        sink.close()
    made_up = WebSink(WebAddress(0, "0.0.0.0"))
    made_up.close()
    assert len(made_up.url.partition("token=")[2]) > 16


def test_a_port_that_is_taken_is_an_error(web: WebSink) -> None:
    with pytest.raises(
        OutputError, match=f"cannot serve the preview on 127.0.0.1:{web.port}: Address already"
    ):
        WebSink(WebAddress(web.port))


def is_closed(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_half_sent_requests_are_bounded_in_number_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than there is room for, as an attack would open them: the service has descriptors left."""
    monkeypatch.setattr("edge_runtime.sinks.web.REQUEST_SECONDS", 3.0)
    sink = WebSink(WebAddress(0))
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    half: list[socket.socket] = []
    try:
        for number in range(3 * MAX_CONNECTIONS):
            client = socket.create_connection(("127.0.0.1", sink.port), timeout=5)
            client.sendall(b"GET /status.json HTTP/1.1\r\nHost: localhost\r\n" if number % 2 else b"")
            half.append(client)
        # Before their time is over, by their number alone; a busy machine closes them a little later.
        deadline = clock.now() + 2
        while len(list(Path("/proc/self/fd").iterdir())) - descriptors - len(half) > MAX_CONNECTIONS + 2:
            assert clock.now() < deadline
            time.sleep(0.05)
        deadline = clock.now() + 10
        while True:
            try:
                assert get(sink.url + "status.json")[0] == 200
                break
            except (OSError, AssertionError):
                assert clock.now() < deadline
                time.sleep(0.1)
        assert all(is_closed(client) for client in half)
    finally:
        for client in half:
            client.close()
        sink.close()


def test_a_refused_visitor_is_let_go_and_strange_bytes_are_no_fault() -> None:
    sink = WebSink(WebAddress(0, token=TOKEN))
    with socket.create_connection(("127.0.0.1", sink.port), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\xfe\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 403 ")
    sink.close()


@pytest.mark.parametrize(
    ("host", "token", "url"), [("::1", None, "[::1]"), ("127.0.0.2", "a b&c", "a%20b%26c")]
)
def test_the_printed_address_is_one_that_a_browser_opens(host: str, token: str | None, url: str) -> None:
    sink = WebSink(WebAddress(0, host, token))
    assert url in sink.url
    assert get(sink.url)[0] == 200
    assert get(f"http://{'[::1]' if ':' in host else host}:{sink.port}/")[0] == (403 if token else 200)
    sink.close()


def drifted(*changes: Change) -> DriftStatus:
    message = "; ".join(f"{change}: 90% of the frames" for change in changes)
    return DriftStatus(
        changes, message, {"brightness": 20.0}, {"brightness": 90.0}, {"cat": 1.0}, {"cat": 0.5}
    )


def test_drift_is_on_the_page_and_in_the_metrics(web: WebSink) -> None:
    assert web._metrics is not None
    web.emit(result("cat"))
    assert json.loads(get(web.url + "status.json")[1])["drift"] == ""
    snapshot = RunSnapshot("abc", SourceStatus("camera:0"), 5.0, {}, drifted(Change.DARKER))
    for monitor in (web, web._metrics):
        monitor.publish(snapshot)
    assert json.loads(get(web.url + "status.json")[1])["drift"] == "darker: 90% of the frames"
    lines = get(web.url + "metrics")[1].splitlines()
    for line in (
        'edge_classify_drift{change="darker"} 1.0',
        'edge_classify_drift{change="covered"} 0.0',
        "edge_classify_running_brightness 20.0",
        "edge_classify_reference_brightness 90.0",
        'edge_classify_running_answer_fraction{answer="cat"} 1.0',
        'edge_classify_reference_answer_fraction{answer="cat"} 0.5',
    ):
        assert line in lines


def test_a_heatmap_is_drawn_only_when_it_is_asked_for() -> None:
    drawn: list[Result] = []

    def draw(found: Result) -> Image:
        drawn.append(found)
        if found.answer == "old":
            raise ModelError("the model has been replaced since this frame")
        return paint((200, 100, 0), 16, 16)

    sink = WebSink(WebAddress(0), None, draw)
    try:
        assert get(sink.url + "heatmap.jpg")[0] == 404
        sink.emit(result("cat"))
        get(sink.url + "status.json")
        assert drawn == []
        with urllib.request.urlopen(sink.url + "heatmap.jpg", timeout=10) as answer:
            assert decode_image(answer.read(), at_least=0).shape == (16, 16, 3)
        with urllib.request.urlopen(sink.url + "heatmap.jpg", timeout=10):
            assert len(drawn) == 1, "drawn once for all viewers"
        sink.emit(result("old"))
        assert get(sink.url + "heatmap.jpg") == (404, "the model has been replaced since this frame")
    finally:
        sink.close()
