"""Pages in a browser, phone and desktop: no console error, no sideways scrolling, all pictures shown."""

import dataclasses
import html
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks import make_history, merge_reports, read_report
from benchmarks.measurement.sustained import Moment, summarize_sustained
from benchmarks.rendering import history_html, merged_html, report_html
from tests.benchmarks.reports import MACHINE, report, target

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDTHS = (412, 1280)

# Each page is in a frame of its own, as wide as a phone and as a desktop, and tells what it measured.
PROBE = """<script>addEventListener('load', () => {
const images = [...document.images];
parent.postMessage([%s, document.documentElement.scrollWidth, innerWidth, images.length,
images.filter(image => image.naturalWidth > 0).length].join(' '), '*');
})</script>"""
COLLECT = """<script>addEventListener('message', event =>
document.body.append(Object.assign(document.createElement('pre'), {textContent: event.data})))</script>"""
BOARD = dataclasses.replace(
    MACHINE, processor="Raspberry Pi 5 Model B Rev 1.0 with a rather long name", cores=4
)


def board_page() -> str:
    """Keras of another machine, a model that becomes slower, and unusual names."""
    keras = dataclasses.replace(target("keras", time=4.0), machine=MACHINE, rounds=[], ratio_to_first=None)
    random = np.random.default_rng(0)
    slices = [
        (
            Moment(float(at), 30, 1.0, 1.2, 50 + at / 10, 2400.0 - 8 * at, ("throttled",) if at > 90 else ()),
            times,
        )
        for at in range(120)
        for times in [random.normal(1 + at / 200, 0.05, 30).tolist()]
    ]
    model = dataclasses.replace(
        target("a-model-file-with-a-rather-long-name.int8"),
        ratio_to_first=None,
        sustained=summarize_sustained(slices, 120.0),
    )
    return report_html(report(keras, model, machine=BOARD))


def merged_page() -> str:
    machines = [dataclasses.replace(BOARD, cores=cores) for cores in (1, 2, 4)]
    reports = [
        report(target("m", time=5.0 / each.cores), target("other", time=9.0 / each.cores), machine=each)
        for each in machines
    ]
    return merged_html(merge_reports(reports))


def history_page() -> str:
    days = [
        report(
            target("keras", time=4.0, seed=number),
            target("m", time=1.0 if number < 10 else 1.2, seed=number),
            created=f"2026-01-{number + 1:02}T00:00:00+00:00",
        )
        for number in range(20)
    ]
    return history_html(make_history(days))


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt install chromium")
def test_a_browser_shows_the_pages_without_complaint(report_folder: Path, tmp_path: Path) -> None:
    pages = [
        (report_html(read_report(report_folder / "report.json")), 5),
        (board_page(), 5),
        (merged_page(), 1),
        (history_page(), 2),
    ]
    frames = []
    for number, (text, _pictures) in enumerate(pages):
        content = html.escape(text.replace("</body>", f"{PROBE % number}</body>"))
        frames += [f'<iframe width="{width}" height="900" srcdoc="{content}"></iframe>' for width in WIDTHS]
    probe = tmp_path / "pages.html"
    probe.write_text(f"<!doctype html><body>{COLLECT}{''.join(frames)}</body>", encoding="utf-8")
    done = subprocess.run(
        [
            *(str(CHROMIUM), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}"),
            *("--virtual-time-budget=10000", "--dump-dom", probe.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = re.findall(r"<pre>(\d+) (\d+) (\d+) (\d+) (\d+)</pre>", done.stdout)
    measured = sorted(tuple(map(int, each)) for each in found)
    assert [each[0] for each in measured] == [0, 0, 1, 1, 2, 2, 3, 3], done.stderr[-2000:]
    for number, content, window, images, shown in measured:
        assert content <= window, (number, window)
        assert images == shown == pages[number][1]
    # The scroll bar is part of the width.
    assert {window > 1000 for _number, _content, window, _images, _shown in measured} == {True, False}
    assert "CONSOLE" not in done.stderr
