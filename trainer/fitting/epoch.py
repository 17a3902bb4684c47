"""One epoch of the history, and the rule that ends a phase."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from edge_runtime.core import CLOSED


@dataclass(frozen=True)
class Epoch:
    """One line of `history.csv`. The epoch numbers continue from phase to phase."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = CLOSED

    phase: str
    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float

    @property
    def rank(self) -> tuple[float, float]:
        """The best epoch has the largest: validation accuracy, then the lower validation loss."""
        return self.val_accuracy, -self.val_loss


def is_over(name: str, epochs: int, history: Sequence[Epoch], patience: int) -> bool:
    """Whether a phase has had all its epochs, or its last ones improved neither accuracy nor loss."""
    own = [epoch for epoch in history if epoch.phase == name]
    before, last = own[:-patience], own[-patience:]
    if len(own) >= epochs:
        return True
    if not patience or not before:
        return False
    accuracy, loss = max(each.val_accuracy for each in before), min(each.val_loss for each in before)
    return all(each.val_accuracy <= accuracy and each.val_loss >= loss for each in last)
