"""Metrics in Prometheus' format: counters, ages, latencies, temperature."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from edge_runtime.core import MissingLibraryError, Result
from edge_runtime.drift import Change
from edge_runtime.sinks.base import RunSnapshot, SinkBase
from edge_runtime.system import read_hardware

BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

_SOURCE_HELP = {
    "read": "Frames that the device gave.",
    "dropped": "Frames discarded because a newer one came first.",
    "repeated": "Frames identical to the previous one.",
    "damaged": "Frames that could not be decoded.",
    "reopened": "How often the device was opened again.",
}


class Metrics(SinkBase):
    """Counts results; `render` gives the response to a scrape, in any thread.

    Raises:
        MissingLibraryError: prometheus-client is not installed.
    """

    def __init__(self) -> None:
        try:
            import prometheus_client as prometheus
            from prometheus_client import core
        except ImportError as error:
            raise MissingLibraryError("metrics need a library: pip install prometheus-client") from error
        self._prometheus: Any = prometheus
        self._core: Any = core
        self._snapshot: RunSnapshot | None = None
        self._registry = prometheus.CollectorRegistry()
        self._frames = prometheus.Counter(
            "edge_classify_frames", "Frames classified, by answer.", ["answer"], registry=self._registry
        )
        self._stages = prometheus.Histogram(
            "edge_classify_stage_seconds",
            "Time of each stage.",
            ["stage"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._age = prometheus.Histogram(
            "edge_classify_frame_age_seconds",
            "From the capture of a frame to the start of its classification.",
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._registry.register(self)

    def emit(self, result: Result) -> None:
        """Count one result."""
        self._frames.labels(result.answer).inc()
        self._age.observe(result.age / 1000)
        for stage in ("resize", "invoke", "postprocess"):
            self._stages.labels(stage).observe(getattr(result.timing, stage) / 1000)

    def publish(self, snapshot: RunSnapshot) -> None:
        """See `Monitor.publish`."""
        self._snapshot = snapshot

    def render(self) -> tuple[bytes, str]:
        """The response to a scrape, and its content type."""
        text: bytes = self._prometheus.generate_latest(self._registry)
        return text, str(self._prometheus.CONTENT_TYPE_LATEST)

    def collect(self) -> Iterator[Any]:
        """What is read at each scrape; prometheus-client calls this."""
        # Replaced as a whole by the loop: everything below is of one moment.
        snapshot = self._snapshot
        if snapshot is not None:
            yield from self._describe(snapshot)
        yield from self._hardware()

    def _describe(self, snapshot: RunSnapshot) -> Iterator[Any]:
        core = self._core
        model = core.InfoMetricFamily("edge_classify_model", "The model file that runs.")
        model.add_metric([], {"sha256": snapshot.model_sha256})
        yield model
        if snapshot.source.counts:
            for name, count in asdict(snapshot.source.counts).items():
                yield core.CounterMetricFamily(
                    f"edge_classify_source_{name}", _SOURCE_HELP[name], value=count
                )
        yield from self._describe_drift(snapshot)
        if snapshot.update:
            update = core.InfoMetricFamily("edge_classify_update", "Versions of the model.")
            versions = {"installed": snapshot.update.installed, "available": snapshot.update.available}
            update.add_metric([], versions | {"state": snapshot.update.state.value})
            yield update
        for sink, dropped in snapshot.dropped.items():
            family = core.CounterMetricFamily(
                "edge_classify_queue_dropped", "Results dropped because a queue was full.", labels=["sink"]
            )
            family.add_metric([sink], dropped)
            yield family

    def _describe_drift(self, snapshot: RunSnapshot) -> Iterator[Any]:
        drift = snapshot.drift
        if drift is None:
            return
        gauge = self._core.GaugeMetricFamily
        changes = gauge(
            "edge_classify_drift", "Whether the frames differ from the held-out images.", labels=["change"]
        )
        for change in Change:
            changes.add_metric([change], int(change in drift.changes))
        yield changes
        for name, value in drift.running.items():
            yield gauge(f"edge_classify_running_{name}", f"Running mean of {name}.", value=value)
        for name, value in drift.reference.items():
            yield gauge(f"edge_classify_reference_{name}", f"Mean {name} of held-out images.", value=value)
        for kind, shares, text in (
            ("running", drift.shares, "Fraction of the last frames with an answer."),
            ("reference", drift.reference_shares, "Fraction of the held-out images with an answer."),
        ):
            family = gauge(f"edge_classify_{kind}_answer_fraction", text, labels=["answer"])
            for answer, share in shares.items():
                family.add_metric([answer], share)
            yield family

    def _hardware(self) -> Iterator[Any]:
        gauge = self._core.GaugeMetricFamily
        hardware = read_hardware()
        if hardware.temperature is not None:
            yield gauge("edge_classify_temperature_celsius", "Hottest sensor.", value=hardware.temperature)
        if hardware.throttled_by is not None:
            yield gauge(
                "edge_classify_throttled",
                "Whether heat or a weak power supply throttles the processor now.",
                value=int(bool(hardware.throttled_by)),
            )
