"""Reports of real boards: a folder for each, and the table of docs/boards.md that is made from them."""

from benchmarks.boards.table import BOARDS, boards_table, read_boards

__all__ = ["BOARDS", "boards_table", "read_boards"]
