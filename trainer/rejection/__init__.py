"""Rejection: fit the output for images of no class on held-out images and synthetic unknowns."""

from trainer.rejection.collect import RejectionPlan, plan_and_fit
from trainer.rejection.fit import FittedRejection, KnownImages, UnknownImages, fit_rejection
from trainer.rejection.threshold import kept_interval

__all__ = [
    "FittedRejection",
    "KnownImages",
    "RejectionPlan",
    "UnknownImages",
    "fit_rejection",
    "kept_interval",
    "plan_and_fit",
]
