"""The options of the commands of `edge-bench`, each command's as one frozen value."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.targets import Reader
from edge_runtime.core import UsageError, check_ranges, option

TARGETS, DURATION, OUTPUT, LIMITS, RULES = "Targets", "Duration", "Output", "Limits", "Rules"
CONTENT, SOURCE, CHECKS = "Content", "Source", "Checks"


def _num_runs(what: str) -> Any:
    return option(300, f"Timed images of {what}, at least.", 10, 10_000_000, panel=DURATION)


def _min_seconds() -> Any:
    return option(5.0, "Seconds of timing, at least.", 0.0, 1e6, panel=DURATION)


def _processes(what: str) -> Any:
    return option(3, f"Number of times that {what} is started.", 1, 1000, panel=DURATION)


def _max_slowdown(of: str) -> Any:
    return option(1.10, f"Largest allowed latency ratio, {of}.", 0.0, 1e6, panel=LIMITS)


def _max_accuracy_drop() -> Any:
    return option(
        0.01, "Largest allowed loss of accuracy, as a fraction of the images.", 0.0, 1.0, panel=LIMITS
    )


def _max_size_growth() -> Any:
    return option(1.05, "Largest allowed size ratio, current / baseline.", 0.0, 1e6, panel=LIMITS)


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """All options of `edge-bench run`; each field but `run` and `models` is an option of that name."""

    run: Path
    models: tuple[Path, ...] = ()

    data: str | None = option(
        None,
        "Images to measure on; those that the run trained on are left out.",
        shown="the run's own",
        panel=TARGETS,
    )
    unknowns: Path | None = option(
        None, "Folder of images of no class, others than in training: how are they rejected?", panel=TARGETS
    )
    corruptions: bool = option(
        False,
        "Measure the accuracy on blurred, noisy, dark, bright, shifted, turned and compressed images too: at "
        "most 200, in five strengths each.",
        panel=TARGETS,
    )
    engine: tuple[str, ...] = option(
        (),
        "litert, tflite-runtime or openvino; may be repeated to compare them.",
        shown="the first installed",
        panel=TARGETS,
    )
    num_threads: tuple[int, ...] = option(
        (), "Threads of the engines; may be repeated.", 1, 64, shown="all cores, at most 4", panel=TARGETS
    )
    readers: tuple[Reader, ...] = option(
        (), "Measure the files in this program too, which resizes images in its own way.", panel=TARGETS
    )
    reader_python: Path | None = option(
        None, "Python that has the readers installed.", shown="this one", panel=TARGETS
    )
    keras: bool = option(
        False, "With a bundle: measure its Keras model on this machine too (needs TensorFlow).", panel=TARGETS
    )

    num_runs: int = _num_runs("each target")
    min_seconds: float = _min_seconds()
    processes: int = _processes("each target")
    sustained: float = option(
        0.0,
        "Seconds that each model file then works without a pause, with 1,024 images or more; 0 for none.",
        0.0,
        1e6,
        panel=DURATION,
    )

    out: Path = option(
        Path("report"),
        "Folder for report.json, report.md and, where Matplotlib and Jinja2 are installed, report.html.",
        panel=OUTPUT,
    )
    raw: bool = option(False, "Put every single latency into report.json.", panel=OUTPUT)

    def __post_init__(self) -> None:
        """Refuse invalid values.

        Raises:
            UsageError: a value is outside its range.
        """
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class BundleConfig:
    """All options of `edge-bench bundle`; each field but `runs` is an option of that name."""

    runs: tuple[Path, ...]

    data: str | None = option(
        None,
        "Images to measure on; those that the run trained on are left out.",
        shown="the run's own",
        panel=CONTENT,
    )
    max_images: int | None = option(
        None, "At most so many images, spread over all of them.", 1, 60_000, shown="all", panel=CONTENT
    )
    model: tuple[Path, ...] = option((), "Model file to add; may be repeated.", panel=CONTENT)
    with_keras: bool = option(
        False, "Add the Keras model, for edge-bench run --keras on the other machine.", panel=CONTENT
    )

    report: Path | None = option(
        None, "Take the times of the Keras model from this report.json instead of measuring.", panel=DURATION
    )
    num_runs: int = _num_runs("the Keras model")
    min_seconds: float = _min_seconds()
    processes: int = _processes("the Keras model")

    out: Path = option(Path("run.bundle.zip"), "The bundle.", panel=OUTPUT)

    def __post_init__(self) -> None:
        """Refuse invalid values.

        Raises:
            UsageError: a value is outside its range, or there is no run.
        """
        check_ranges(self)
        if not self.runs:
            raise UsageError("name one or more runs: edge-bench bundle RUN --out run.bundle.zip")


@dataclass(frozen=True, kw_only=True)
class RenderConfig:
    """All options of `edge-bench render`; each field but the report is an option of that name."""

    report: Path

    out: Path | None = option(None, "Folder for the pages.", shown="the report's", panel=OUTPUT)


@dataclass(frozen=True, kw_only=True)
class MergeConfig:
    """All options of `edge-bench merge`; each field but the reports is an option of that name."""

    reports: tuple[Path, ...]

    out: Path = option(Path("merged"), "Folder for merged.json, merged.md and merged.html.", panel=OUTPUT)


@dataclass(frozen=True, kw_only=True)
class HistoryConfig:
    """All options of `edge-bench history`; each field but the reports is an option of that name."""

    reports: tuple[Path, ...]

    min_change: float = option(
        0.02, "Smallest change that is marked, as a fraction.", 0.0, 10.0, panel=LIMITS
    )
    min_accuracy_change: float = option(
        0.002,
        "Smallest change of accuracy that is marked, as a fraction of the images.",
        0.0,
        1.0,
        panel=LIMITS,
    )
    out: Path = option(
        Path("history"),
        "Folder for history.json, history.md, history.html, github-action-benchmark.json and bencher.json.",
        panel=OUTPUT,
    )


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """All options of `edge-bench loop`; those of edge-classify come after `--`."""

    camera: str | None = option(None, "Camera, as for edge-classify.", panel=SOURCE)
    input: str | None = option(None, "Input, as for edge-classify.", panel=SOURCE)
    model: Path | None = option(
        None, "Model file.", short="-m", shown="$EDGE_MODEL, else ./model.tflite", panel=SOURCE
    )
    seconds: float = option(60.0, "How long, after the first result.", 1.0, 1e7, panel=DURATION)
    out: Path = option(Path("loop"), "Folder for loop.json and loop.md.", panel=OUTPUT)

    def __post_init__(self) -> None:
        """Refuse invalid values.

        Raises:
            UsageError: a value is outside its range, or there is not exactly one source.
        """
        check_ranges(self)
        if (self.camera is None) == (self.input is None):
            raise UsageError("name one source: --camera 0, or --input")


@dataclass(frozen=True, kw_only=True)
class CiConfig:
    """All options of `edge-bench ci`; each field but `run` and `models` is an option of that name."""

    run: Path
    models: tuple[Path, ...] = ()

    baseline: Path | None = option(
        None,
        "report.json to compare with; without it, or where it is of another machine or version, nothing is "
        "compared and the job goes on.",
        panel=CHECKS,
    )
    rules: Path | None = option(
        None,
        "TOML file with the options of edge-bench gate, such as min_accuracy = ['birds=0.9'].",
        panel=CHECKS,
    )
    max_slowdown: float = _max_slowdown("current / baseline")
    max_accuracy_drop: float = _max_accuracy_drop()
    max_size_growth: float = _max_size_growth()

    num_runs: int = _num_runs("each target")
    min_seconds: float = _min_seconds()
    processes: int = _processes("each target")

    out: Path = option(
        Path("report"), "Folder for report.json, .md, .html, summary.md and checks.xml.", panel=OUTPUT
    )

    def __post_init__(self) -> None:
        """Refuse invalid values.

        Raises:
            UsageError: a value is outside its range.
        """
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class AbConfig:
    """All options of `edge-bench ab`; each field but base and head is an option of that name."""

    base: Path
    head: Path
    command: tuple[str, ...] = ()

    runs: int = option(10, "Times that each is run.", 3, 10_000, panel=DURATION)
    images: Path | None = option(None, "Folder of images, to compare two model files.", panel=SOURCE)
    num_runs: int = _num_runs("each model file")
    max_slowdown: float = option(1.10, "Largest allowed ratio of times, HEAD / BASE.", 0.0, 1e6, panel=LIMITS)
    out: Path | None = option(None, "Write the result as JSON to this file.", panel=OUTPUT)

    def __post_init__(self) -> None:
        """Refuse invalid values.

        Raises:
            UsageError: a value is outside its range.
        """
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class CompareConfig:
    """All options of `edge-bench compare`; each field but the reports is an option of that name."""

    baseline: Path
    current: Path

    max_slowdown: float = _max_slowdown("current / baseline")
    max_accuracy_drop: float = _max_accuracy_drop()
    max_size_growth: float = _max_size_growth()
    force: bool = option(False, "Compare reports of different machines.", panel=LIMITS)
    junit: Path | None = option(None, "Write the result as JUnit XML to this file.", panel=OUTPUT)

    def __post_init__(self) -> None:
        """Refuse invalid values.

        Raises:
            UsageError: a value is outside its range.
        """
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class GateConfig:
    """All options of `edge-bench gate`; each field but `report` is an option of that name."""

    report: Path

    max_p50_ratio: tuple[str, ...] = option(
        (), "TARGET:OTHER=FACTOR: largest ratio of the medians.", panel=RULES
    )
    max_accuracy_drop: tuple[str, ...] = option(
        (), "TARGET:OTHER=FRACTION: largest loss of accuracy.", panel=RULES
    )
    min_agreement: tuple[str, ...] = option(
        (), "TARGET:OTHER=FRACTION: smallest fraction of equal labels.", panel=RULES
    )
    min_accuracy: tuple[str, ...] = option((), "TARGET=FRACTION: smallest accuracy.", panel=RULES)
    max_p99: tuple[str, ...] = option((), "TARGET=MILLISECONDS: largest 99th percentile.", panel=RULES)
    min_auroc: tuple[str, ...] = option(
        (), "TARGET=FRACTION: smallest AUROC between the classes and --unknowns.", panel=RULES
    )
    max_accepted: tuple[str, ...] = option(
        (),
        "TARGET=FRACTION: largest fraction of --unknowns that is accepted where 95 % of the others are kept.",
        panel=RULES,
    )
    min_kept: tuple[str, ...] = option(
        (), "TARGET=FRACTION: smallest fraction of the images of the classes that is kept.", panel=RULES
    )
    max_sustained_slowdown: tuple[str, ...] = option(
        (), "TARGET=RATIO: largest last / first latency of a sustained run.", panel=RULES
    )
    max_size: tuple[str, ...] = option((), "TARGET=BYTES: largest size.", panel=RULES)
    max_memory: tuple[str, ...] = option((), "TARGET=MEBIBYTES: largest resident memory.", panel=RULES)
    junit: Path | None = option(None, "Write the result as JUnit XML to this file.", panel=OUTPUT)

    @property
    def rules(self) -> list[tuple[str, str]]:
        """Each rule as its option's name and its text."""
        names = (
            "max_p50_ratio", "max_accuracy_drop", "min_agreement", "min_accuracy", "max_p99", "min_auroc",
            "max_accepted", "min_kept", "max_sustained_slowdown", "max_size", "max_memory",
        )  # fmt: skip
        return [(name.replace("_", "-"), text) for name in names for text in getattr(self, name)]
