"""Models that others trained: loaded safely, and adopted as a run."""

from converter.foreign.adoption import adopt

__all__ = ["adopt"]
