"""Keras models that others trained: loaded safely, and adopted as a run."""

from converter.foreign.adoption import adopt, is_foreign

__all__ = ["adopt", "is_foreign"]
