"""The metrics as a monitoring system sees them."""

import os
import sys
import threading
import urllib.request
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edge_runtime import LiveSource, LoadOptions, Patience, load_classifier
from edge_runtime.pipeline.loop import emit
from edge_runtime.serving import WebAddress
from edge_runtime.sinks import RunSnapshot
from edge_runtime.sinks.metrics import Metrics
from edge_runtime.sinks.web import WebSink
from edge_runtime.sources.devices import DeviceKind, DeviceRequest
from tests.edge_runtime.processes import children

FAULTY = (sys.executable, str(Path(__file__).parents[1] / "sources" / "faulty_camera.py"))
SCRAPES, REOPENINGS = 500, 20


def counters(text: str) -> dict[tuple[str, ...], float]:
    """Every counter of a scrape, by its name and labels."""
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        if family.type in ("counter", "histogram")
        for sample in family.samples
        if sample.name.endswith(("_total", "_count", "_sum", "_bucket"))
    }


class Scraper(threading.Thread):
    """Scrapes `/metrics` until it is told to stop."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._done = threading.Event()
        self.seen: list[dict[tuple[str, ...], float]] = []

    def run(self) -> None:
        while not self._done.wait(0.002):
            with urllib.request.urlopen(f"{self._url}metrics", timeout=10) as answer:
                self.seen.append(counters(answer.read().decode()))

    def stop(self) -> None:
        self._done.set()
        self.join()


@pytest.mark.slow
def test_no_counter_falls_while_the_camera_is_opened_again(color_models: dict[str, Path]) -> None:
    """Each capture process starts counting at zero, and the counts of the one before must not be lost."""
    classifier = load_classifier(color_models["uint8"], LoadOptions(num_threads=1))
    request = DeviceRequest(DeviceKind.CAMERA, "ends", width=64, height=48)
    metrics = Metrics()
    web = WebSink(WebAddress(0), metrics)
    scraper = Scraper(web.url)
    patience = Patience(first_delay=0.001)
    with LiveSource(request, patience=patience, say=lambda _line: None, command=FAULTY) as source:
        scraper.start()
        for _result in emit(classifier.observe_all(source.events(), 1), [metrics]):
            status = source.status
            metrics.publish(RunSnapshot("0" * 64, status, 0.0, {}))
            assert status.counts is not None
            seen = (
                scraper.seen[-1].get(("edge_classify_source_reopened_total",), 0.0) if scraper.seen else 0.0
            )
            if seen >= REOPENINGS and len(scraper.seen) >= SCRAPES:
                break
        scraper.stop()
    web.close()
    assert children(os.getpid(), "faulty_camera") == []
    assert scraper.seen[-1]["edge_classify_source_reopened_total",] >= REOPENINGS
    assert scraper.seen[-1]["edge_classify_source_read_total",] >= 5 * REOPENINGS
    falls = [
        (name, before, after.get(name))
        for one, after in pairwise(scraper.seen)
        for name, before in one.items()
        if after.get(name, -1.0) < before
    ]
    assert falls == []
