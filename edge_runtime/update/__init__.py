"""Updates of the model: fetch, verify, try, swap, watch, roll back."""

from edge_runtime.update.remote import Remote, open_remote
from edge_runtime.update.status import UpdateState, UpdateStatus
from edge_runtime.update.updates import Updates
from edge_runtime.update.watch import TrialWatch, Verdict

__all__ = ["Remote", "TrialWatch", "UpdateState", "UpdateStatus", "Updates", "Verdict", "open_remote"]
