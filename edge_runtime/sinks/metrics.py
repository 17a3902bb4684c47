"""What a monitoring system wants to know, in Prometheus' format: counters, ages, latencies, temperature."""

from collections.abc import Callable, Iterator
from typing import Any

from edge_runtime.core.errors import MissingLibraryError
from edge_runtime.core.types import Result
from edge_runtime.sinks.base import SinkBase
from edge_runtime.sinks.text import UNKNOWN
from edge_runtime.sources.live import Counts
from edge_runtime.system.hardware import read_board

BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics(SinkBase):
    """Counts results; `render` gives what a scrape answers.

    Args:
        model: gives the SHA-256 of the model that runs now.
        counts: gives what the source has done; None for one that drops and loses nothing.
        drops: for each sink with a queue, what gives the number of results dropped.

    Raises:
        MissingLibraryError: prometheus-client is not installed.
    """

    def __init__(
        self,
        *,
        model: Callable[[], str],
        counts: Callable[[], Counts] | None = None,
        drops: dict[str, Callable[[], int]] | None = None,
    ) -> None:
        try:
            import prometheus_client as prometheus
            from prometheus_client import core
        except ImportError as error:
            raise MissingLibraryError("metrics need a library: pip install prometheus-client") from error
        self._prometheus: Any = prometheus
        self._core: Any = core
        self._model = model
        self._counts = counts
        self._drops = drops or {}
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
        self._frames.labels(result.answer or UNKNOWN).inc()
        self._age.observe(result.age / 1000)
        for stage in ("resize", "invoke", "postprocess"):
            self._stages.labels(stage).observe(getattr(result.timing, stage) / 1000)

    def render(self) -> tuple[bytes, str]:
        """The answer to a scrape, and its content type."""
        text: bytes = self._prometheus.generate_latest(self._registry)
        return text, str(self._prometheus.CONTENT_TYPE_LATEST)

    def collect(self) -> Iterator[Any]:
        """What is read when it is asked for; prometheus-client calls this."""
        core = self._core
        model = core.InfoMetricFamily("edge_classify_model", "The model file that runs.")
        model.add_metric([], {"sha256": self._model()})
        yield model
        if self._counts:
            for name, count in vars(self._counts()).items():
                yield core.CounterMetricFamily(
                    f"edge_classify_source_{name}", _SOURCE_HELP[name], value=count
                )
        for sink, dropped in self._drops.items():
            family = core.CounterMetricFamily(
                "edge_classify_queue_dropped", "Results dropped because a queue was full.", labels=["sink"]
            )
            family.add_metric([sink], dropped())
            yield family
        yield from self._board()

    def _board(self) -> Iterator[Any]:
        gauge = self._core.GaugeMetricFamily
        board = read_board()
        if board.temperature is not None:
            yield gauge("edge_classify_temperature_celsius", "Hottest sensor.", value=board.temperature)
        if board.slowed_by is not None:
            yield gauge(
                "edge_classify_throttled",
                "Whether heat or a weak power supply slows the processor down now.",
                value=int(bool(board.slowed_by)),
            )


_SOURCE_HELP = {
    "read": "Frames that the device gave.",
    "dropped": "Frames thrown away because a newer one came first.",
    "repeated": "Frames that were the same picture as the one before.",
    "damaged": "Frames that could not be decoded.",
    "reopened": "How often the device was opened again.",
}
