"""The options of `edge-search`, as one frozen value."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from edge_runtime.core import UsageError, build_config, check_ranges, option, plain, read_options
from trainer import TrainConfig

BUDGET, CANDIDATES, OUTPUT = "Budget", "Candidates", "Output"


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """All options of `edge-search`; each field but `data` is an option of that name."""

    data: str

    max_ms: float | None = option(
        None, "Largest median latency, from a decoded image to its answer.", 0.001, 1e6, panel=BUDGET
    )
    max_mb: float | None = option(
        None, "Largest model file in megabytes (1,000,000 bytes).", 0.01, 1e6, panel=BUDGET
    )
    device: Path | None = option(
        None,
        "report.json of edge-bench run on the device with the bundle of --probe: its latencies count.",
        shown="this machine",
        panel=BUDGET,
    )
    probe: Path | None = option(
        None,
        "Only write a bundle of untrained models to this file, to time them on the device: "
        "edge-bench run FILE there.",
        panel=BUDGET,
    )

    alpha: tuple[float, ...] = option(
        (),
        "Width multiplier of MobileNetV2; may be repeated.",
        0.1,
        2.0,
        shown="0.35, 0.5, 0.75 and 1.0, as far as there are weights",
        panel=CANDIDATES,
    )
    image_size: tuple[int, ...] = option(
        (96, 128, 160, 192, 224), "Side of the input in pixels; may be repeated.", 32, 1024, panel=CANDIDATES
    )
    weights: str = option(
        "imagenet",
        "Pretrained weights: imagenet (downloaded), or the name of .weights.h5 files with {alpha} in it.",
        panel=CANDIDATES,
    )
    fine_tune: int = option(
        3, "Candidates that are fine-tuned, converted and measured, at most.", 1, 100, panel=CANDIDATES
    )
    training: Path | None = option(
        None,
        "TOML file with options of edge-train for all candidates.",
        panel=CANDIDATES,
    )
    seed: int = option(42, "Random seed of the split and of the trainings.", 0, 2**31 - 1, panel=CANDIDATES)

    out: Path = option(Path("search"), "Folder for the report, the runs and the model files.", panel=OUTPUT)
    resume: bool = option(False, "Continue the search in --out.", panel=OUTPUT, changeable=True)
    overwrite: bool = option(False, "Replace a search in --out.", panel=OUTPUT, changeable=True)

    def __post_init__(self) -> None:
        """Refuse invalid values.

        Raises:
            UsageError: a value is outside its range, or options contradict each other.
        """
        check_ranges(self)
        if self.weights == "none":
            raise UsageError("--weights none: candidates are compared by pretrained features; name weights")
        if self.weights != "imagenet" and "{alpha}" not in self.weights and len(self.alpha) != 1:
            raise UsageError(
                f"--weights {self.weights} has no {{alpha}} in its name: write it where the file names have "
                "the width multiplier, or name one --alpha"
            )
        if self.resume and self.overwrite:
            raise UsageError("--resume continues what is in --out, --overwrite replaces it: give one")
        if self.probe is not None and self.device is not None:
            raise UsageError("--probe makes what --device is measured with: give one")

    def training_options(self) -> TrainConfig:
        """The options of all trainings, before alpha, size, weights and folder are those of a candidate.

        Raises:
            UsageError: --training has an option that the search chooses, or a wrong one.
        """
        options = read_options(self.training, TrainConfig, "edge-train") if self.training else {}
        chosen = {"data", "alpha", "image_size", "weights", "out", "seed", "from_", "resume", "overwrite"}
        taken = sorted(chosen & set(options))
        if taken:
            raise UsageError(
                f"{self.training}: {taken[0].rstrip('_')!r} is chosen by edge-search: leave it out"
            )
        return build_config(TrainConfig, {**options, "data": self.data, "seed": self.seed}, "edge-train")

    def to_toml(self) -> str:
        """The options that `--resume` reads."""
        import tomli_w

        kept = dataclasses.replace(self, resume=False, overwrite=False)
        values = {name: plain(value) for name, value in dataclasses.asdict(kept).items()}
        return tomli_w.dumps({name: value for name, value in values.items() if value is not None})

    def same_search(self, other: Self) -> bool:
        """Whether another search trains the same: what it found about a candidate can be used."""
        return (self.data, self.weights, self.training, self.seed) == (
            other.data,
            other.weights,
            other.training,
            other.seed,
        )
