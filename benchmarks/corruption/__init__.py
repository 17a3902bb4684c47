"""Corruptions of images: what a camera in the field does to them, in five strengths each."""

from benchmarks.corruption.images import CorruptedImages, choose_images
from benchmarks.corruption.kinds import STRENGTHS, Corruption, corrupt

__all__ = ["STRENGTHS", "CorruptedImages", "Corruption", "choose_images", "corrupt"]
