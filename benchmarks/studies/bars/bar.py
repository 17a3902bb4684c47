"""One measured value with its limit, and the table of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from edge_runtime.core import markdown_table


@dataclass(frozen=True)
class Bar:
    """A measured value and its limit.

    Attributes:
        name: what is measured, and what it is divided by.
        measured: the value.
        limit: of the value.
        at_least: whether the limit is the lowest allowed value; else it is the highest.
    """

    name: str
    measured: float
    limit: float
    at_least: bool = False

    @property
    def passed(self) -> bool:
        """Whether the value is within its limit."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def bars_table(bars: Sequence[Bar]) -> str:
    """A table in Markdown with a row for each bar."""
    rows = [
        (
            each.name,
            f"{each.measured:.3g}",
            f"{'at least' if each.at_least else 'at most'} {each.limit:.3g}",
            "ok" if each.passed else "BELOW THE BAR",
        )
        for each in bars
    ]
    return markdown_table(("measured", "value", "bar", ""), rows)
