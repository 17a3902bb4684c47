"""Tables as plain text for a terminal and as Markdown."""

from collections.abc import Sequence


def text_table(rows: Sequence[Sequence[str]], *, align_right: bool = False) -> str:
    """Rows of cells in columns of equal width.

    Args:
        rows: the header first, all of the same length.
        align_right: align all columns but the first to the right, as numbers are.
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(
            cell.rjust(width) if align_right and column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are aligned to the right."""
    lines = [
        columns,
        ["---", *["---:"] * (len(columns) - 1)],
        *([markdown_cell(cell) for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown_cell(text: str) -> str:
    """Text that does not end a cell of a Markdown table."""
    return text.replace("|", "¦").replace("\n", " ")
