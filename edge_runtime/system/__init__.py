"""The machine: temperature and throttling, resource limits of child processes, systemd."""

from edge_runtime.system.hardware import Hardware, default_threads, is_emulated, read_hardware, read_text
from edge_runtime.system.limits import limit_resources
from edge_runtime.system.systemd import WATCHDOG_SECONDS, Notifier, hidden_words, unit_file

__all__ = [
    "WATCHDOG_SECONDS",
    "Hardware",
    "Notifier",
    "default_threads",
    "hidden_words",
    "is_emulated",
    "limit_resources",
    "read_hardware",
    "read_text",
    "unit_file",
]
