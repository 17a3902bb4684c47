"""The options of the commands of `edge-bench`, each command's as one frozen value."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.targets import Reader
from edge_runtime.core import UsageError, check_ranges, option

TARGETS, DURATION, OUTPUT, LIMITS, RULES = "Targets", "Duration", "Output", "Limits", "Rules"


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """All options of `edge-bench run`; each field but `run` and `models` is an option of that name."""

    run: Path
    models: tuple[Path, ...]

    data: str | None = option(
        None,
        "Images to measure on; those that the run trained on are left out.",
        shown="the run's own",
        panel=TARGETS,
    )
    unknowns: Path | None = option(
        None, "Folder of images of no class, others than in training: how are they rejected?", panel=TARGETS
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

    num_runs: int = option(300, "Timed images of each target, at least.", 10, 10_000_000, panel=DURATION)
    min_seconds: float = option(5.0, "Seconds of timing, at least.", 0.0, 1e6, panel=DURATION)
    processes: int = option(3, "Number of times that each target is started.", 1, 1000, panel=DURATION)

    out: Path = option(Path("report"), "Folder for report.json, report.md and report.html.", panel=OUTPUT)
    raw: bool = option(False, "Put every single latency into report.json.", panel=OUTPUT)

    def __post_init__(self) -> None:
        """Refuse invalid values.

        Raises:
            UsageError: a value is outside its range, or there is no model file.
        """
        check_ranges(self)
        if not self.models:
            raise UsageError("name one or more model files: edge-bench run RUN MODEL.tflite")


@dataclass(frozen=True, kw_only=True)
class CompareConfig:
    """All options of `edge-bench compare`; each field but the reports is an option of that name."""

    baseline: Path
    current: Path

    max_slowdown: float = option(
        1.10, "Largest allowed latency ratio, current / baseline.", 0.0, 1e6, panel=LIMITS
    )
    max_accuracy_drop: float = option(
        0.01, "Largest allowed loss of accuracy, as a fraction of the images.", 0.0, 1.0, panel=LIMITS
    )
    max_size_growth: float = option(
        1.05, "Largest allowed size ratio, current / baseline.", 0.0, 1e6, panel=LIMITS
    )
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
    max_size: tuple[str, ...] = option((), "TARGET=BYTES: largest size.", panel=RULES)
    max_memory: tuple[str, ...] = option((), "TARGET=MEBIBYTES: largest resident memory.", panel=RULES)
    junit: Path | None = option(None, "Write the result as JUnit XML to this file.", panel=OUTPUT)

    @property
    def rules(self) -> list[tuple[str, str]]:
        """Each rule as its option's name and its text."""
        names = (
            "max_p50_ratio", "max_accuracy_drop", "min_agreement", "min_accuracy", "max_p99", "min_auroc",
            "max_accepted", "min_kept", "max_size", "max_memory",
        )  # fmt: skip
        return [(name.replace("_", "-"), text) for name in names for text in getattr(self, name)]
