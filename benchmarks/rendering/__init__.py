"""Rendering of reports: HTML with plots, Markdown, text."""

from benchmarks.rendering.headline import Headline, make_headline
from benchmarks.rendering.histories import history_html, history_markdown
from benchmarks.rendering.html import report_html
from benchmarks.rendering.markdown import report_markdown, report_text
from benchmarks.rendering.merged import MERGED_COLUMNS, merged_cells, merged_html, merged_markdown

__all__ = [
    "MERGED_COLUMNS",
    "Headline",
    "history_html",
    "history_markdown",
    "make_headline",
    "merged_cells",
    "merged_html",
    "merged_markdown",
    "report_html",
    "report_markdown",
    "report_text",
]
