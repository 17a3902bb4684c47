"""trainer: a folder of pictures → a run. Workstation only; TensorFlow is imported when a training starts."""

from trainer.config import (
    BatchNorm,
    ClassWeights,
    Distribute,
    Flip,
    FloatPolicy,
    InputScale,
    Optimizer,
    Schedule,
    TrainConfig,
)
from trainer.evaluation.metrics import ClassMetrics, SplitMetrics
from trainer.fitting.progress import TrainingReporter
from trainer.fitting.train_loop import Epoch
from trainer.training import Training, train

__all__ = [
    "BatchNorm",
    "ClassMetrics",
    "ClassWeights",
    "Distribute",
    "Epoch",
    "Flip",
    "FloatPolicy",
    "InputScale",
    "Optimizer",
    "Schedule",
    "SplitMetrics",
    "TrainConfig",
    "Training",
    "TrainingReporter",
    "train",
]
