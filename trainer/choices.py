"""What options of `edge-train` choose from."""

from enum import StrEnum


class BatchNorm(StrEnum):
    """What the BatchNormalization layers of the base do while the base trains.

    Frozen ones keep the statistics and scales of the pretrained weights. Trained ones learn, and their
    statistics are measured again before every validation.
    """

    AUTO = "auto"
    FROZEN = "frozen"
    TRAINED = "trained"


class RandomFlip(StrEnum):
    """Whether training images are mirrored left to right.

    `auto` does so unless the labels are single letters or digits: a mirrored letter is another letter.
    """

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class Reject(StrEnum):
    """Whether the model gets an output for images of no class.

    `auto` does so where enough held-out images can be set aside to fit its threshold on.
    """

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class CrossValidate(StrEnum):
    """Whether all images are trained on, and cross-validation chooses instead of held-out images.

    `auto` does so where too few images would be held out for that.
    """

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class KeptEpoch(StrEnum):
    """The epoch whose weights are kept: the best by validation, or the last."""

    BEST = "best"
    LAST = "last"


class InputScale(StrEnum):
    """The range that pixels are scaled to before the first convolution: -1 to 1, or 0 to 1."""

    SIGNED = "signed"
    UNIT = "unit"

    @property
    def rescaling(self) -> tuple[float, float]:
        """Factor and offset."""
        return (1 / 127.5, -1.0) if self is InputScale.SIGNED else (1 / 255, 0.0)


class Optimizer(StrEnum):
    """The optimizer."""

    ADAMW = "adamw"
    SGD = "sgd"


class Schedule(StrEnum):
    """Learning rate schedule: a warm-up over a tenth of the steps and a cosine down to 0, or constant."""

    COSINE = "cosine"
    CONSTANT = "constant"


class ClassWeights(StrEnum):
    """The weight of each class in the loss.

    `balanced`: every class has the same weight, however many images it has.
    """

    NONE = "none"
    BALANCED = "balanced"


class FloatPolicy(StrEnum):
    """The number format of activations and gradients while training; weights are float32 in all of them."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


class Distribute(StrEnum):
    """Devices to train on: one, all GPUs of this machine, or the workers of a TF_CONFIG cluster."""

    NONE = "none"
    MIRRORED = "mirrored"
    MULTI_WORKER = "multi-worker"
