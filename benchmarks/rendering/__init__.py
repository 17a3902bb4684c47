"""Rendering of reports: HTML with plots, Markdown, text."""

from benchmarks.rendering.headline import Headline, make_headline
from benchmarks.rendering.histories import history_html, history_markdown
from benchmarks.rendering.html import encode, render, report_html
from benchmarks.rendering.markdown import report_markdown, report_text
from benchmarks.rendering.merged import MERGED_COLUMNS, merged_cells, merged_html, merged_markdown
from benchmarks.rendering.plots import log_milliseconds, new_figure, to_png

__all__ = [
    "MERGED_COLUMNS",
    "Headline",
    "encode",
    "history_html",
    "history_markdown",
    "log_milliseconds",
    "make_headline",
    "merged_cells",
    "merged_html",
    "merged_markdown",
    "new_figure",
    "render",
    "report_html",
    "report_markdown",
    "report_text",
    "to_png",
]
