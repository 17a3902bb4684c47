"""The report of a training: the HTML page, plots, illustrations."""

from trainer.report.html import render_report
from trainer.report.illustrations import draw_illustrations, write_examples
from trainer.report.plots import draw_confusion, draw_curves, draw_grid

__all__ = [
    "draw_confusion",
    "draw_curves",
    "draw_grid",
    "draw_illustrations",
    "render_report",
    "write_examples",
]
