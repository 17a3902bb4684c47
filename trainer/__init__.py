"""trainer: a folder of images → a run. Workstation only; TensorFlow is imported when a training starts."""

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
from trainer.config import TrainConfig
from trainer.evaluation import ClassMetrics, SplitMetrics
from trainer.fitting import Epoch, TrainingReporter
from trainer.training import Ending, Prepared, Training, train

__all__ = [
    "BatchNorm",
    "ClassMetrics",
    "ClassWeights",
    "CrossValidate",
    "Distribute",
    "Ending",
    "Epoch",
    "FloatPolicy",
    "InputScale",
    "KeptEpoch",
    "Optimizer",
    "Prepared",
    "RandomFlip",
    "Reject",
    "Schedule",
    "SplitMetrics",
    "TrainConfig",
    "Training",
    "TrainingReporter",
    "train",
]
