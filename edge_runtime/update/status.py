"""What other threads read of the updates."""

from dataclasses import dataclass
from enum import StrEnum


class UpdateState(StrEnum):
    """What happens with the newest model."""

    CURRENT = "current"
    TRIAL = "trial"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True)
class UpdateStatus:
    """The versions of the model.

    Attributes:
        installed: the version that runs.
        available: the newest version that is signed by a trusted key and newer.
        state: of that version.
    """

    installed: str
    available: str
    state: UpdateState
