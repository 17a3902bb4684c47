"""trainer: a folder of pictures → a run. Workstation only; TensorFlow is imported when a training starts."""

from trainer.config import BatchNorm, TrainConfig, read_options
from trainer.fitting import Epoch
from trainer.progress import TrainingReporter
from trainer.training import Training, train

__all__ = ["BatchNorm", "Epoch", "TrainConfig", "Training", "TrainingReporter", "read_options", "train"]
