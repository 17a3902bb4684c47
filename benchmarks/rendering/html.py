"""Render reports as HTML pages that need no other file."""

import base64
from collections.abc import Mapping
from typing import Any

from benchmarks.corruption import Corruption
from benchmarks.rendering.headline import make_headline
from benchmarks.rendering.markdown import describe_elsewhere, describe_throttling
from benchmarks.rendering.plots import (
    draw_confusions,
    draw_corruptions,
    draw_latencies,
    draw_sustained,
    draw_trade_off,
)
from benchmarks.report import Report


def report_html(report: Report) -> str:
    """Render the page of a report."""
    timed = [each for each in report.targets if not report.machine_of(each).emulated]
    sustained = [each for each in timed if each.sustained]
    return render(
        "report.html.j2",
        report=report,
        headline=make_headline(report),
        first=report.targets[0].name,
        elsewhere=describe_elsewhere(report),
        throttling=describe_throttling,
        trade_off=encode(draw_trade_off(timed)) if timed else "",
        latencies=encode(draw_latencies(timed)) if timed else "",
        sustained={
            each.name: encode(draw_sustained(each.name, each.sustained))
            for each in sustained
            if each.sustained
        },
        window=max((each.sustained.window for each in sustained if each.sustained), default=0.0),
        corruptions=encode(draw_corruptions(report)) if report.has_corruptions() else "",
        kinds=list(Corruption),
        confusions={name: encode(png) for name, png in draw_confusions(report).items()},
        mebibyte=1024**2,
    )


def render(template: str, **values: Any) -> str:
    """Render a template; text in `values` is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pages = Environment(
        loader=PackageLoader("benchmarks.rendering"), autoescape=True, undefined=StrictUndefined
    )
    content: Mapping[str, Any] = values
    text = pages.get_template(template).render(content)
    return text.encode("utf-8", "backslashreplace").decode()


def encode(png: bytes) -> str:
    """A PNG as a page can contain it."""
    return base64.b64encode(png).decode()
