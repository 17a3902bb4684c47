"""The commands of the device, and what all commands share: errors become one line and an exit code."""

from edge_runtime.cli.runner import new_app, run_app, say

__all__ = ["new_app", "run_app", "say"]
