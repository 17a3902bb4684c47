"""The options of `edge-data`, as one frozen value."""

from dataclasses import dataclass
from pathlib import Path

from edge_runtime.core import UNKNOWN, check_ranges, option

DATA, FEATURES, OUTPUT = "Data", "Features", "Output"


@dataclass(frozen=True, kw_only=True)
class ExamineConfig:
    """All options of `edge-data`; each field but `data` is an option of that name."""

    data: str

    unknown_label: str = option(
        UNKNOWN, "Class folder of images of no class: their labels are not examined.", panel=DATA
    )

    run: Path | None = option(
        None, "Run trained on this data: its network gives the features, and its split is checked.",
        panel=FEATURES,
    )  # fmt: skip
    weights: str = option(
        "imagenet",
        "Weights of MobileNetV2 without --run: imagenet (downloaded) or FILE.weights.h5.",
        panel=FEATURES,
    )
    alpha: float = option(0.35, "Width multiplier of MobileNetV2 without --run.", 0.1, 2.0, panel=FEATURES)
    image_size: int = option(
        128, "Side of the network's input in pixels without --run.", 32, 1024, panel=FEATURES
    )
    seed: int = option(42, "Random seed of the folds.", 0, 2**31 - 1, panel=FEATURES)

    out: Path = option(Path("examination"), "Folder for the report.", panel=OUTPUT)

    def __post_init__(self) -> None:
        """Refuse values outside their ranges.

        Raises:
            UsageError: with the option, its range and the value.
        """
        check_ranges(self)
