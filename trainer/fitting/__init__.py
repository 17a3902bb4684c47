"""Fitting: phases, training steps, train loop, trainer, checkpoints, distribution, TensorBoard logs."""

from trainer.fitting.checkpoints import Checkpoints, State, check_state, read_state
from trainer.fitting.distribution import Workers, join_workers, read_cluster
from trainer.fitting.epoch import Epoch, is_over
from trainer.fitting.optimizers import build_optimizer
from trainer.fitting.phases import Course, PlannedPhase, class_weights
from trainer.fitting.progress import TrainingReporter
from trainer.fitting.steps import Phase, PhaseData, build_evaluation
from trainer.fitting.tensorboard import EpochLog
from trainer.fitting.train_loop import TrainLoop
from trainer.fitting.trainer import Best, Fitted, Recorder, Trainer

__all__ = [
    "Best",
    "Checkpoints",
    "Course",
    "Epoch",
    "EpochLog",
    "Fitted",
    "Phase",
    "PhaseData",
    "PlannedPhase",
    "Recorder",
    "State",
    "TrainLoop",
    "Trainer",
    "TrainingReporter",
    "Workers",
    "build_evaluation",
    "build_optimizer",
    "check_state",
    "class_weights",
    "is_over",
    "join_workers",
    "read_cluster",
    "read_state",
]
