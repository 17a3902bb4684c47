"""trainer: a folder of pictures → a run. Workstation only; TensorFlow is imported when a training starts."""

from trainer.config import BatchNorm, TrainConfig, read_options
from trainer.fitting import Epoch
from trainer.progress import Reporter
from trainer.training import Training, train

__all__ = ["BatchNorm", "Epoch", "Reporter", "TrainConfig", "Training", "read_options", "train"]
