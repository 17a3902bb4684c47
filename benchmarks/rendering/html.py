"""Render a report as one HTML page that needs no other file."""

import base64
from collections.abc import Sequence

from benchmarks.rendering.plots import draw_confusions, draw_latencies, draw_trade_off
from benchmarks.report import Report


def report_html(report: Report, samples: Sequence[Sequence[float]]) -> str:
    """Render the page.

    Args:
        report: the report.
        samples: the single latencies of each target, in milliseconds.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    names = [target.name for target in report.targets]
    page = Environment(
        loader=PackageLoader("benchmarks.rendering"), autoescape=True, undefined=StrictUndefined
    )
    text = page.get_template("report.html.j2").render(
        report=report,
        first=names[0],
        trade_off=_encode(draw_trade_off(report)),
        latencies=_encode(draw_latencies(names, samples)),
        confusions={name: _encode(png) for name, png in draw_confusions(report).items()},
        mebibyte=1024**2,
    )
    return text.encode("utf-8", "backslashreplace").decode()


def _encode(png: bytes) -> str:
    return base64.b64encode(png).decode()
