"""Training on all of few images: the penalty of the head and fine-tuning are chosen by cross-validation."""

from trainer.cross_validation.head import FeatureCopies, LinearHead, choose_penalty, image_losses
from trainer.cross_validation.training import (
    Candidate,
    Choice,
    CrossValidated,
    describe,
    train_by_cross_validation,
)

__all__ = [
    "Candidate",
    "Choice",
    "CrossValidated",
    "FeatureCopies",
    "LinearHead",
    "choose_penalty",
    "describe",
    "image_losses",
    "train_by_cross_validation",
]
