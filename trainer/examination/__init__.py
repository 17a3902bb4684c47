"""Examine a data set: likely wrong labels, near-duplicates, bad images, outliers, the learning curve."""

from trainer.examination.config import ExamineConfig
from trainer.examination.types import Check, Examination, Suspect, Suspects

__all__ = ["Check", "Examination", "ExamineConfig", "Suspect", "Suspects"]
