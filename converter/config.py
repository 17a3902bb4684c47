"""The options of `edge-convert` and `edge-check`, each as one frozen value."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from converter.compatibility import Runtime
from converter.quantization import DEFAULT_COUNT, Calibration, Io, Precision
from edge_runtime.core import Resize, UsageError, check_ranges, option

OUTPUT, QUANTIZATION, GATE = "Output", "Quantization", "Accuracy and compatibility"
FOREIGN = "Keras models of others"


class KeepFloat(StrEnum):
    """Whether layers may stay in float: none, or the fewest that pass `--max-drop`."""

    NONE = "none"
    AUTO = "auto"


FOREIGN_AGREEMENT = 0.99
"""Smallest agreement of a model of others by default."""


def is_saved_model(path: Path) -> bool:
    """Whether it is the folder of a TensorFlow SavedModel."""
    return (path / "saved_model.pb").is_file()


class Program(StrEnum):
    """A program that files are written for."""

    FRIGATE = "frigate"
    HUGGINGFACE = "huggingface"


@dataclass(frozen=True, kw_only=True)
class ConvertConfig:
    """All options of `edge-convert`; each field but `run` is an option of that name."""

    run: Path

    out: Path = option(Path("model.tflite"), "Model file to write.", panel=OUTPUT)
    for_: Program | None = option(
        None,
        "Program to write for; OUT is a folder then. frigate: model.tflite and labelmap.txt; huggingface: "
        "model.tflite and README.md, the page of a model on the Hub.",
        panel=OUTPUT,
    )
    bom: bool = option(
        False,
        "Write a bill of materials (CycloneDX ML-BOM) beside it, OUT.cdx.json.",
        panel=OUTPUT,
    )
    data: str | None = option(None, "Location of the run's data, if it was moved.", panel=OUTPUT)
    precision: str = option(
        Precision.INT8.value,
        f"{', '.join(Precision)}; several separated by commas: each is written to OUT with its name.",
        panel=OUTPUT,
    )
    io: Io | None = option(None, "Input and output of int8.", shown="uint8", panel=OUTPUT)

    images: Path | None = option(
        None, "Class folders with images to calibrate and to compare with.", panel=FOREIGN
    )
    labels: Path | None = option(
        None, "A label for each output, one a line.", shown="the class folders in their order", panel=FOREIGN
    )
    input_range: str | None = option(
        None,
        "LOW,HIGH: the values of pixels 0 and 255 that it was trained with.",
        shown="the one with the best accuracy",
        panel=FOREIGN,
    )
    resize: Resize = option(
        Resize.SQUASH,
        "How images were resized in its training: squash, fit-shortest (crops) or fit-longest (pads).",
        panel=FOREIGN,
    )

    calibrate: Calibration | None = option(
        None,
        "How ranges are selected: minmax, percentile, mse, or auto, which measures the best agreement.",
        shown="mse; the training of --qat-steps starts from minmax",
        panel=QUANTIZATION,
    )
    calibration: Path | None = option(
        None, "Images to calibrate with.", shown="from the training split", panel=QUANTIZATION
    )
    calibration_count: int = option(
        DEFAULT_COUNT, "Number of calibration images.", 1, 1_000_000, panel=QUANTIZATION
    )
    qat_steps: int = option(
        0,
        "Steps of quantization-aware training, in which int8 learns the float model's outputs on training "
        "images; 500 are usual.",
        0,
        100_000,
        panel=QUANTIZATION,
    )
    keep_float: KeepFloat = option(
        KeepFloat.NONE,
        "auto: keep the fewest layers in float that pass --max-drop.",
        panel=QUANTIZATION,
    )
    layer_report: bool = option(False, "Write the signal-to-noise ratio of every layer.", panel=QUANTIZATION)

    max_drop: float = option(
        0.01,
        "Largest allowed loss of accuracy; with a larger one that is more than chance nothing is written.",
        0.0,
        1.0,
        panel=GATE,
    )
    min_agreement: float | None = option(
        None,
        "Smallest fraction of images with the float model's answer; with a smaller one nothing is written. "
        "[default: 0.99 for a model of others, none for a run]",
        0.0,
        1.0,
        panel=GATE,
    )
    target: Runtime = option(Runtime.LITERT, "Runtime that the file must run on.", panel=GATE)

    def __post_init__(self) -> None:
        """Refuse invalid values.

        Raises:
            UsageError: a value is outside its range, a precision is unknown, or options do not fit together.
        """
        check_ranges(self)
        if not set(map(str.strip, self.precision.split(","))) <= set(Precision):
            raise UsageError(
                f"--precision takes {', '.join(Precision)} (with commas), got {self.precision!r}"
            )
        if Precision.INT8 not in self.precisions and (given := self._given_for_int8()):
            raise UsageError(f"{' and '.join(given)}: for int8 only, --precision is {self.precision}")
        if self.is_foreign and self.images is None:
            raise UsageError(
                f"{self.run} is a model, not a run: give images of its classes with --images FOLDER, to "
                "calibrate and to compare with"
            )
        of_others = (self.images, self.labels, self.input_range)
        for_others = any(each is not None for each in of_others) or self.resize is not Resize.SQUASH
        if for_others and not self.is_foreign:
            raise UsageError(
                "--images, --labels, --input-range and --resize are for a model of others (.keras, .h5, "
                ".tflite or a SavedModel); a run has its own"
            )
        if self.for_ and self.out.suffix == ".tflite":
            example = "on the computer with Frigate model_cache/NAME beside its configuration"
            raise UsageError(
                f"--for {self.for_} writes a folder, --out is {self.out}: name a folder"
                f"{f', {example}' if self.for_ is Program.FRIGATE else ''}"
            )

    def _given_for_int8(self) -> tuple[str, ...]:
        """The options given that change nothing but int8."""
        given = {
            "--calibrate": self.calibrate is not None,
            "--qat-steps": self.qat_steps > 0,
            "--keep-float": self.keep_float is not KeepFloat.NONE,
            "--layer-report": self.layer_report,
        }
        return tuple(name for name, was_given in given.items() if was_given)

    @property
    def is_foreign(self) -> bool:
        """Whether it is a model that others trained, and not a run."""
        return self.run.is_file() or is_saved_model(self.run)

    @property
    def smallest_agreement(self) -> float:
        """The agreement to reach. What others measured of their model should hold for the converted one."""
        if self.min_agreement is not None:
            return self.min_agreement
        return FOREIGN_AGREEMENT if self.is_foreign else 0.0

    @property
    def path(self) -> Path:
        """The model file to write, before the names of several precisions are added."""
        return self.out / "model.tflite" if self.for_ else self.out

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """The precisions, each once."""
        return tuple(dict.fromkeys(Precision(part.strip()) for part in self.precision.split(",")))


@dataclass(frozen=True, kw_only=True)
class CheckConfig:
    """All options of `edge-check`; each field but `model` is an option of that name."""

    model: Path

    target: tuple[Runtime, ...] = option(
        (Runtime.LITERT,), "Runtime to check against; may be repeated.", panel="Check"
    )
