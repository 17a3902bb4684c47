"""Rendering of a report: HTML with plots, Markdown, text."""

from benchmarks.rendering.html import report_html
from benchmarks.rendering.markdown import report_markdown, report_text

__all__ = ["report_html", "report_markdown", "report_text"]
