"""The options of `edge-train`, as one frozen value and one TOML file."""

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from edge_runtime.core import (
    UNKNOWN,
    Resize,
    UsageError,
    build_config,
    check_ranges,
    option,
    plain,
    read_options,
)
from edge_runtime.datasets import BUILTIN_NAMES, Run
from trainer.choices import (
    BatchNorm,
    ClassWeights,
    CrossValidate,
    Distribute,
    FloatPolicy,
    InputScale,
    KeptEpoch,
    Optimizer,
    RandomFlip,
    Reject,
    Schedule,
)

DATA, MODEL, HEAD, FINE_TUNING, SCRATCH = "Data", "Model", "Head", "Fine-tuning", "From scratch"
UNKNOWNS = "Images of no class"
OPTIMIZATION, AUGMENTATION, RUN = "Optimization", "Augmentation", "Run"
TEACHER = "Teacher"


BURST, FOLDER, NO_GROUPS = "burst", "folder", "none"
"""What `--group-by` takes beside regular expressions."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """All options of `edge-train`; each field but `data` is an option of that name.

    Splits are fractions of all images, rates are peak learning rates, and a rotation is a fraction of a full
    turn.
    """

    data: str

    validation_split: float = option(0.2, "Fraction of the images for validation.", 0.01, 0.9, panel=DATA)
    test_split: float = option(
        0.0, "Fraction of the images for the test, unless the data has a test split.", 0.0, 0.9, panel=DATA
    )
    cross_validate: CrossValidate = option(
        CrossValidate.AUTO,
        "Train on all images but those of the test, and choose by cross-validation: auto (where validation "
        "would have fewer than 60 images), on or off.",
        panel=DATA,
    )
    group_by: str = option(
        BURST,
        "Images that stay in one split: burst (near-duplicates), folder (inside of a class folder), none, or "
        "a regular expression for what the file names of a group have in common.",
        panel=DATA,
    )
    strict: bool = option(False, "Refuse data with unreadable files.", panel=DATA, changeable=True)

    from_: Path | None = option(
        None,
        "Run to start from: its weights, its split, and its options where none are given; new classes may be "
        "added.",
        panel=MODEL,
    )
    weights: str = option(
        "imagenet",
        "Weights of the base at the start: imagenet (downloaded), none, or FILE.weights.h5.",
        panel=MODEL,
    )
    alpha: float = option(1.0, "Width multiplier of MobileNetV2.", 0.1, 2.0, panel=MODEL)
    image_size: int = option(224, "Side of the model's input in pixels.", 32, 1024, panel=MODEL)
    resize: Resize = option(
        Resize.FIT_SHORTEST,
        "How images are resized to the input: squash, fit-shortest, fit-longest or mediapipe.",
        panel=MODEL,
    )
    input_scale: InputScale = option(
        InputScale.SIGNED,
        "Range of pixels in the model: signed (-1 to 1, as ImageNet weights expect) or unit (0 to 1).",
        panel=MODEL,
    )
    head_units: int = option(0, "Units of a hidden layer in the head; 0 for none.", 0, 65536, panel=MODEL)
    dropout: float = option(0.2, "Dropout rate before the last layer.", 0.0, 0.95, panel=MODEL)
    one_logit: bool = option(
        False, "Use one sigmoid output for two classes instead of two softmax outputs.", panel=MODEL
    )
    batch_norm: BatchNorm = option(
        BatchNorm.AUTO,
        "BatchNormalization of the base: frozen, trained, or auto (trained only from scratch).",
        panel=MODEL,
    )

    head_epochs: int = option(
        40, "Epochs of the head on the frozen base.", 0, 10000, panel=HEAD, changeable=True
    )
    head_rate: float = option(
        0.001, "Peak learning rate of the head phase.", 0.0, 10.0, panel=HEAD, changeable=True
    )
    cache_features: bool = option(
        True, "Compute the features of the frozen base once for each image, not once an epoch.", panel=HEAD
    )
    augment_copies: int = option(
        0,
        "Augmented copies of each image whose features are cached, besides the mirrored one.",
        0,
        100,
        panel=HEAD,
    )
    head_l2: float = option(
        40.0,
        "L2 penalty of the head's weights, divided by the number of training images.",
        0.0,
        1000000.0,
        panel=HEAD,
    )

    fine_tune_epochs: int = option(10, "Epochs of fine-tuning.", 0, 10000, panel=FINE_TUNING, changeable=True)
    fine_tune_rate: float = option(
        0.0001, "Peak learning rate of fine-tuning.", 0.0, 10.0, panel=FINE_TUNING, changeable=True
    )
    fine_tune_at: int = option(
        120, "First layer of the base that fine-tuning trains.", 0, 154, panel=FINE_TUNING
    )

    scratch_epochs: int = option(
        30, "Epochs with --weights none, where all layers train.", 1, 10000, panel=SCRATCH, changeable=True
    )
    scratch_rate: float = option(
        0.005, "Peak learning rate with --weights none.", 0.0, 10.0, panel=SCRATCH, changeable=True
    )

    teacher: Path | None = option(
        None,
        "Run of a more accurate model of the same classes, whose scores are learnt beside the labels; its "
        "split is kept.",
        panel=TEACHER,
    )
    teacher_weight: float = option(
        0.5, "Weight of the teacher's scores in the loss; the labels have the rest.", 0.0, 1.0, panel=TEACHER
    )
    teacher_temperature: float = option(
        2.0,
        "Temperature of the scores that are compared: the higher, the more the small scores count.",
        0.1,
        100.0,
        panel=TEACHER,
    )

    reject: Reject = option(
        Reject.AUTO,
        "Add an output for images of no class: auto (where there are enough held-out images), on or off.",
        panel=UNKNOWNS,
    )
    keep: float = option(
        0.95, "Fraction of the images of the classes that are not rejected.", 0.5, 0.999, panel=UNKNOWNS
    )
    unknown_label: str = option(
        UNKNOWN, "Label of images of no class; a class folder of this name has examples.", panel=UNKNOWNS
    )
    negatives: Path | None = option(
        None,
        "Another folder with examples of images of no class, which the network learns to reject.",
        panel=UNKNOWNS,
    )

    batch_size: int = option(32, "Images in a batch, over all devices together.", 1, 4096, panel=OPTIMIZATION)
    optimizer: Optimizer = option(
        Optimizer.ADAMW, "AdamW, or SGD with Nesterov momentum.", panel=OPTIMIZATION
    )
    schedule: Schedule = option(
        Schedule.COSINE, "Learning rate schedule: cosine with warm-up, or constant.", panel=OPTIMIZATION
    )
    momentum: float = option(0.9, "Momentum of SGD, beta 1 of AdamW.", 0.0, 0.999, panel=OPTIMIZATION)
    weight_decay: float = option(0.0001, "Weight decay while the base trains.", 0.0, 1.0, panel=OPTIMIZATION)
    clip_norm: float = option(
        0.0,
        "Clip the norm of each gradient to this value; 0 for no clipping.",
        0.0,
        1000000.0,
        panel=OPTIMIZATION,
        changeable=True,
    )
    patience: int = option(
        20,
        "End a phase after this many epochs without a better validation; 0 for never.",
        0,
        10000,
        panel=OPTIMIZATION,
        changeable=True,
    )
    kept_epoch: KeptEpoch = option(
        KeptEpoch.BEST,
        "Epoch whose weights are kept: best (by validation) or last.",
        panel=OPTIMIZATION,
    )
    label_smoothing: float = option(
        0.0, "Fraction of each target that is spread over all classes.", 0.0, 0.9, panel=OPTIMIZATION
    )
    ema: float = option(
        0.0,
        "Decay in a step of an exponential moving average of the weights, which is validated and kept; 0 for "
        "none.",
        0.0,
        0.9999,
        panel=OPTIMIZATION,
    )
    class_weights: ClassWeights = option(
        ClassWeights.NONE,
        "none, or balanced: rare classes count as much as frequent ones.",
        panel=OPTIMIZATION,
    )
    float_policy: FloatPolicy = option(
        FloatPolicy.FLOAT32,
        "Number format while training; the 16-bit formats are for GPUs.",
        panel=OPTIMIZATION,
    )

    flip: RandomFlip = option(
        RandomFlip.AUTO,
        "Mirror images left to right; auto: unless the labels are single letters or digits.",
        panel=AUGMENTATION,
    )
    field: bool = option(
        False,
        "Augment for cameras in the field: half of the images dark, bright, noisy, blurred or moved; "
        "fewer than 800 are several times in an epoch of fine-tuning, at most four times.",
        panel=AUGMENTATION,
    )
    rotation: float = option(
        0.05, "Largest rotation, as a fraction of a full turn.", 0.0, 1.0, panel=AUGMENTATION
    )
    zoom: float = option(0.15, "Largest zoom, as a fraction.", 0.0, 0.9, panel=AUGMENTATION)
    shift: float = option(0.1, "Largest shift, as a fraction of the side.", 0.0, 0.9, panel=AUGMENTATION)
    brightness: float = option(
        0.0, "Largest change of brightness, as a fraction.", 0.0, 1.0, panel=AUGMENTATION
    )
    contrast: float = option(0.0, "Largest change of contrast, as a fraction.", 0.0, 0.95, panel=AUGMENTATION)
    sharpness: float = option(
        0.0,
        "Largest sharpening or blurring, as a fraction: for programs that resize in another way.",
        0.0,
        1.0,
        panel=AUGMENTATION,
    )
    cutout: float = option(
        0.0, "Largest side of a grey square, as a fraction of the side.", 0.0, 0.9, panel=AUGMENTATION
    )
    mixup: float = option(
        0.0,
        "Blend each image and its label with another, by a fraction from the distribution Beta(x, x), while "
        "the base trains; 0 for no blending.",
        0.0,
        1.0,
        panel=AUGMENTATION,
    )

    out: Path = option(Path("run"), "Folder of the run.", panel=RUN, changeable=True)
    overwrite: bool = option(False, "Replace a run in --out.", panel=RUN, changeable=True)
    resume: bool = option(False, "Continue the interrupted training in --out.", panel=RUN, changeable=True)
    checkpoint_seconds: float = option(
        10.0, "Minimum seconds between checkpoints.", 0.0, 86400.0, panel=RUN, changeable=True
    )
    seed: int = option(
        42, "Random seed for split, weights, shuffling, augmentation and dropout.", 0, 2**31 - 1, panel=RUN
    )
    deterministic: bool = option(
        False, "The same weights every time on the same machine; slower.", panel=RUN, changeable=True
    )
    distribute: Distribute = option(
        Distribute.NONE,
        "Train on all GPUs of this machine, or on the workers of TF_CONFIG.",
        panel=RUN,
        changeable=True,
    )
    tensorboard: bool = option(
        False, "Write TensorBoard logs to the run's logs/.", panel=RUN, changeable=True
    )

    def __post_init__(self) -> None:
        """Refuse invalid combinations.

        Raises:
            UsageError: a value is outside its range, or options contradict each other.
        """
        check_ranges(self)
        if not self.from_scratch and not self.head_epochs + self.fine_tune_epochs:
            raise UsageError("--head-epochs and --fine-tune-epochs are both 0: nothing would be trained")
        if self.validation_split + self.test_split > 0.9:
            raise UsageError(
                "--validation-split and --test-split together leave less than a tenth to train on"
            )
        try:
            re.compile(self.group_by)
        except re.error as error:
            raise UsageError(f"--group-by: {self.group_by!r} is not a regular expression: {error}") from error
        if not self.unknown_label.strip() or "\n" in self.unknown_label:
            raise UsageError(f"--unknown-label takes a name, got {self.unknown_label!r}")
        if self.reject is Reject.OFF and self.negatives is not None:
            raise UsageError("--negatives has no effect with --reject off: leave one out")
        if self.from_ is not None and self.from_.resolve() == self.out.resolve():
            raise UsageError(f"--from and --out are both {self.out}: give another --out")
        if self.teacher is not None and self.teacher.resolve() == self.out.resolve():
            raise UsageError(f"--teacher and --out are both {self.out}: give another --out")
        if self.ema and self.distribute is not Distribute.NONE:
            raise UsageError("--ema averages the weights of one device: leave it or --distribute out")
        if self.cross_validate is CrossValidate.ON and self.against_cross_validation:
            raise UsageError(
                f"--cross-validate on trains one linear layer on cached features and knows no "
                f"{self.against_cross_validation}: leave one out"
            )
        if self.resume and self.overwrite:
            raise UsageError("--resume continues what is in --out, --overwrite replaces it: give one")

    @property
    def from_scratch(self) -> bool:
        """Whether no pretrained weights are used, so that all layers have to train."""
        return self.weights == "none"

    @property
    def reads_images_again(self) -> bool:
        """Whether images are read once an epoch, and not once for their features."""
        return self.from_scratch or self.fine_tune_epochs > 0 or not self.cache_features

    @property
    def against_cross_validation(self) -> str:
        """The first option that cross-validation does not work with; empty where there is none."""
        against = {
            "--weights none": self.from_scratch,
            "--from": self.from_ is not None,
            "--head-units": self.head_units > 0,
            "--head-epochs 0": self.head_epochs == 0,
            "--no-cache-features": not self.cache_features,
            "--label-smoothing": self.label_smoothing > 0,
            "--teacher": self.teacher is not None,
            "--ema": self.ema > 0,
            "--reject on": self.reject is Reject.ON,
            "--negatives": self.negatives is not None,
            "--float-policy": self.float_policy is not FloatPolicy.FLOAT32,
            "--distribute": self.distribute is not Distribute.NONE,
            "--batch-norm trained": self.batch_norm is BatchNorm.TRAINED,
        }
        return next((name for name, given in against.items() if given), "")

    @property
    def trains_batch_norm(self) -> bool:
        """Whether BatchNormalization learns: from scratch it must."""
        if self.batch_norm is BatchNorm.AUTO:
            return self.from_scratch
        return self.batch_norm is BatchNorm.TRAINED

    @classmethod
    def from_run(cls, run: Run) -> Self:
        """The options that a run was trained with.

        Raises:
            UsageError: they cannot be read.
        """
        return build_config(cls, read_options(run.files.config, cls, "edge-train"), "edge-train")

    def to_toml(self) -> str:
        """The `config.toml` that repeats this training."""
        import tomli_w

        values = {name.rstrip("_"): plain(value) for name, value in dataclasses.asdict(self).items()}
        # TOML has no null: what is None is left out.
        return tomli_w.dumps({name: value for name, value in values.items() if value is not None})

    def repeatable(self) -> Self:
        """The same options with absolute paths, without --resume and --overwrite."""
        data = self.data if self.data in BUILTIN_NAMES else str(Path(self.data).resolve())
        weights = self.weights
        if weights not in ("imagenet", "none"):
            weights = str(Path(weights).resolve())
        return dataclasses.replace(
            self,
            data=data,
            weights=weights,
            from_=self.from_.resolve() if self.from_ else None,
            teacher=self.teacher.resolve() if self.teacher else None,
            negatives=self.negatives.resolve() if self.negatives else None,
            out=self.out.resolve(),
            resume=False,
            overwrite=False,
        )
