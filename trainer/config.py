"""The options of a training: one frozen value, one TOML file, one option of `edge-train` each."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from edge_runtime import DatasetError, Resize, UsageError
from edge_runtime.core.options import build_config, check_ranges, option, plain


class BatchNorm(StrEnum):
    """What the base's BatchNormalization layers do while the base trains.

    Frozen ones keep the statistics and scales that the pretrained weights came with. Trained ones learn, and
    their statistics are measured anew before every validation.
    """

    AUTO = "auto"
    FROZEN = "frozen"
    TRAINED = "trained"


class Flip(StrEnum):
    """Whether training pictures are mirrored left to right.

    `auto` does so unless the labels are single letters or digits: a mirrored sign is another sign.
    """

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class InputScale(StrEnum):
    """What pixels 0 to 255 become before the first convolution: -1 to 1, or 0 to 1."""

    SIGNED = "signed"
    UNIT = "unit"

    @property
    def rescaling(self) -> tuple[float, float]:
        """Factor and offset."""
        return (1 / 127.5, -1.0) if self is InputScale.SIGNED else (1 / 255, 0.0)


class Optimizer(StrEnum):
    """Who turns gradients into steps."""

    ADAMW = "adamw"
    SGD = "sgd"


class Schedule(StrEnum):
    """How the learning rate goes: a warm-up over a tenth of the steps and a cosine down to 0, or constant."""

    COSINE = "cosine"
    CONSTANT = "constant"


class ClassWeights(StrEnum):
    """How much the pictures of a class count in the loss.

    `balanced`: each class as much as any other, however many pictures it has.
    """

    NONE = "none"
    BALANCED = "balanced"


class FloatPolicy(StrEnum):
    """The number format of activations and gradients while training; weights are float32 in all of them."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


class Distribute(StrEnum):
    """Who trains: one device, all GPUs of this machine, or the workers of a TF_CONFIG cluster."""

    NONE = "none"
    MIRRORED = "mirrored"
    MULTI_WORKER = "multi-worker"


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that decides what `edge-train` does; each field is an option of that name.

    Shares are fractions of all pictures, rates are the optimizer's peak learning rates, and a rotation is a
    fraction of a full turn.
    """

    data: str
    out: Path = option(Path("run"), "Folder for the run.")
    weights: str = option(
        "imagenet", "Where the base starts: imagenet (downloaded), none, or FILE.weights.h5."
    )
    alpha: float = option(1.0, "Width of MobileNetV2.", 0.1, 2.0)
    image_size: int = option(224, "Side of the model's input in pixels.", 32, 1024)
    resize: Resize = option(
        Resize.FIT_SHORTEST,
        "How images are brought to that size: squash, fit-shortest, fit-longest or mediapipe.",
    )
    input_scale: InputScale = option(
        InputScale.SIGNED,
        "What pixels become inside: signed (-1 to 1, as ImageNet's weights expect) or unit (0 to 1).",
    )
    validation_split: float = option(0.2, "Share of the pictures for validation.", 0.01, 0.9)
    test_split: float = option(0.0, "Share held out for the test, unless the data brings its own.", 0.0, 0.9)
    batch_size: int = option(32, "Pictures in a batch, over all devices together.", 1, 4096)
    head_epochs: int = option(40, "Epochs of the head on the frozen base.", 0, 10_000)
    head_rate: float = option(1e-3, "Peak learning rate of the head phase.", 0.0, 10.0)
    cache_features: bool = option(
        True, "Run the frozen base once for each picture, not once an epoch; augment as copies."
    )
    augment_copies: int = option(
        0, "Augmented copies of each picture whose features are kept, besides the mirrored.", 0, 100
    )
    fine_tune_epochs: int = option(10, "Epochs of fine-tuning.", 0, 10_000)
    fine_tune_rate: float = option(1e-4, "Peak learning rate of fine-tuning.", 0.0, 10.0)
    fine_tune_at: int = option(120, "First layer of the base that fine-tuning trains.", 0, 154)
    scratch_epochs: int = option(30, "Epochs with --weights none, where all trains at once.", 1, 10_000)
    scratch_rate: float = option(5e-3, "Peak learning rate with --weights none.", 0.0, 10.0)
    batch_norm: BatchNorm = option(
        BatchNorm.AUTO, "BatchNormalization of the base: frozen, trained, or auto (trained from scratch)."
    )
    patience: int = option(
        20, "End a phase after so many epochs without a better validation; 0 for never.", 0, 10_000
    )
    optimizer: Optimizer = option(Optimizer.ADAMW, "AdamW, or SGD with Nesterov momentum.")
    schedule: Schedule = option(Schedule.COSINE, "How the learning rate goes.")
    momentum: float = option(0.9, "Momentum of SGD, first moment's decay of AdamW.", 0.0, 0.999)
    weight_decay: float = option(1e-4, "Weight decay while the base trains.", 0.0, 1.0)
    clip_norm: float = option(0.0, "Clip each gradient to this norm; 0 for not.", 0.0, 1e6)
    head_l2: float = option(
        40.0, "L2 penalty of the head's weights, spread over the training pictures.", 0.0, 1e6
    )
    dropout: float = option(0.2, "Dropout before the last layer.", 0.0, 0.95)
    head_units: int = option(0, "Width of a hidden layer in the head; 0 for none.", 0, 65_536)
    one_logit: bool = option(False, "Tell two classes apart by one output (sigmoid), not by two (softmax).")
    label_smoothing: float = option(0.0, "Share of each target spread over all classes.", 0.0, 0.9)
    class_weights: ClassWeights = option(
        ClassWeights.NONE, "Let rare classes count as much as frequent ones."
    )
    flip: Flip = option(Flip.AUTO, "Mirror pictures left to right; auto: unless the labels are signs.")
    rotation: float = option(0.05, "Turn pictures by up to this fraction of a full turn.", 0.0, 1.0)
    zoom: float = option(0.15, "Zoom pictures by up to this fraction.", 0.0, 0.9)
    shift: float = option(0.1, "Shift pictures by up to this fraction.", 0.0, 0.9)
    brightness: float = option(0.0, "Brighten or darken pictures by up to this fraction.", 0.0, 1.0)
    contrast: float = option(0.0, "Change the contrast by up to this fraction.", 0.0, 0.95)
    sharpness: float = option(
        0.0,
        "Sharpen or blur images by up to this fraction: for readers that resize in another way.",
        0.0,
        1.0,
    )
    cutout: float = option(0.0, "Grey out a square of up to this fraction of the side.", 0.0, 0.9)
    seed: int = option(
        42, "Of the split, the weights, the order, the augmentation and the dropout.", 0, 2**31 - 1
    )
    deterministic: bool = option(False, "The same weights every time on the same machine; slower.")
    float_policy: FloatPolicy = option(
        FloatPolicy.FLOAT32, "Number format while training; the 16-bit ones are for GPUs."
    )
    distribute: Distribute = option(
        Distribute.NONE, "Train on all GPUs of this machine, or on the workers of TF_CONFIG."
    )
    tensorboard: bool = option(False, "Write TensorBoard logs into the run's logs/.")
    checkpoint_seconds: float = option(
        10.0, "Keep what --resume needs at most this often, after an epoch.", 0.0, 86_400.0
    )
    strict: bool = option(False, "Refuse data with unreadable files.")
    overwrite: bool = option(False, "Replace a run in --out.")
    resume: bool = option(False, "Go on with the interrupted training in --out.")

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            UsageError: a value is outside of its range.
        """
        check_ranges(self)
        if not self.from_scratch and not self.head_epochs + self.fine_tune_epochs:
            raise UsageError("--head-epochs and --fine-tune-epochs are both 0: nothing would be trained")
        if self.validation_split + self.test_split > 0.9:
            raise UsageError(
                "--validation-split and --test-split together leave less than a tenth to train on"
            )
        if self.resume and self.overwrite:
            raise UsageError("--resume goes on with what is in --out, --overwrite replaces it: give one")

    @property
    def from_scratch(self) -> bool:
        """Whether the weights start at random."""
        return self.weights == "none"

    @property
    def trains_batch_norm(self) -> bool:
        """Whether BatchNormalization learns: from scratch it must."""
        if self.batch_norm is BatchNorm.AUTO:
            return self.from_scratch
        return self.batch_norm is BatchNorm.TRAINED

    def to_toml(self) -> str:
        """The `config.toml` that repeats this training."""
        import tomli_w

        return tomli_w.dumps({name: plain(value) for name, value in dataclasses.asdict(self).items()})

    @classmethod
    def from_options(cls, options: Mapping[str, object]) -> Self:
        """Build a configuration from names and values; text and numbers are brought to each field's type.

        Raises:
            UsageError: an unknown name, a wrong type, or a value outside of its range.
        """
        if "data" not in options:
            raise UsageError("name the data: edge-train DATA, or `data = …` in the configuration file")
        return build_config(cls, options, "edge-train")


def check_split(path: str, counts: Mapping[str, int]) -> None:
    """Refuse a split that leaves nothing to train on or to validate with.

    Raises:
        DatasetError: with the numbers.
    """
    for split in ("train", "validation"):
        if not counts.get(split):
            numbers = ", ".join(f"{count} {name}" for name, count in counts.items())
            raise DatasetError(
                f"{path}: no picture left for {split} ({numbers}); add pictures or split less off"
            )
