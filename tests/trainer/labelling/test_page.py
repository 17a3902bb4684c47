"""The page in a real browser (headless Chromium), driven as a person drives it."""

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_runtime.images import encode_png
from tests.edge_runtime.images.test_perceptual_hash import scene
from tests.images import save
from tests.labelling import LabelPage, label_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PHONE = {"width": 390, "height": 800}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def open_page(browser: Any, server: LabelPage, size: dict[str, int] | None = None) -> tuple[Any, list[str]]:
    """The page, once its images are grouped, and the errors of its console."""
    page = browser.new_page(viewport=size or {"width": 1280, "height": 900})
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(server.url)
    page.wait_for_selector("figure")
    wait_text(page, "#progress", re.compile(r"^\d+ of \d+ done, \d+ left$"))
    page.wait_for_selector("figure.current", timeout=60_000)
    return page, errors


def fill(folder: Path, scenes: int, copies: int) -> Path:
    for number in range(scenes):
        for copy in range(copies):
            noise = np.random.default_rng(copy).integers(-8, 8, (240, 320, 3))
            save(folder / f"{number}-{copy}.png", np.clip(scene(number) + noise, 0, 255).astype(np.uint8))
    return folder


def done_of(page: Any) -> int:
    return int(page.inner_text("#progress").split(" of ")[0])


def wait_text(page: Any, selector: str, text: object) -> None:
    # Not `wait_for_function`: the page's policy allows no evaluated text.
    from playwright.sync_api import expect

    expect(page.locator(selector)).to_contain_text(text, timeout=60_000)


def wait_count(page: Any, selector: str, count: int) -> None:
    from playwright.sync_api import expect

    expect(page.locator(selector)).to_have_count(count)


def wait_done(page: Any, count: int) -> None:
    wait_text(page, "#progress", f"{count} of ")


def test_keys_clicks_groups_undo_and_a_new_class(browser: Any, tmp_path: Path) -> None:
    data = tmp_path / "birds"
    (data / "robin").mkdir(parents=True)
    (data / "wren").mkdir()
    with label_page(fill(tmp_path / "collection", 3, 4), "--into", data) as server:
        page, errors = open_page(browser, server)
        page.keyboard.press("1")
        wait_done(page, 1)
        page.keyboard.press("g")
        page.keyboard.press("2")
        wait_done(page, 4)
        assert len(list((data / "wren").iterdir())) == 3, "the rest of the group"
        page.keyboard.press("z")
        wait_done(page, 1)
        wait_count(page, "figure", 11)
        page.locator("figure").nth(0).click()
        page.locator("figure").nth(2).click(modifiers=["Shift"])
        wait_count(page, "figure.selected", 3)
        page.keyboard.press("u")
        wait_done(page, 4)
        assert len(list((data / "unknown").iterdir())) == 3
        page.keyboard.press("n")
        page.fill("#new-class input", "tit")
        page.keyboard.press("Enter")
        wait_text(page, "#classes", "tit")
        page.keyboard.press("2")
        wait_done(page, 5)
        assert len(list((data / "tit").iterdir())) == 1, "classes are in the order of their names"
        page.keyboard.press("s")
        wait_done(page, 6)
        page.keyboard.press("ArrowRight")
        page.keyboard.press(" ")
        page.wait_for_selector("dialog#large[open]")
        page.keyboard.press("Escape")
        assert errors == []


def test_two_pages_agree(browser: Any, tmp_path: Path) -> None:
    with label_page(fill(tmp_path / "collection", 2, 3), "--into", tmp_path / "birds") as server:
        one, _ = open_page(browser, server)
        other, _ = open_page(browser, server)
        one.keyboard.press("n")
        one.fill("#new-class input", "robin")
        one.keyboard.press("Enter")
        wait_text(one, "#classes", "robin")
        one.keyboard.press("1")
        wait_done(one, 1)
        wait_done(other, 1)
        wait_count(other, "figure", 5)
        other.keyboard.press("z")
        wait_done(one, 0)
        wait_count(one, "figure", 6)


def test_a_phone_labels_with_taps_and_scrolls_down_only(browser: Any, tmp_path: Path) -> None:
    data = tmp_path / "birds"
    (data / "a class with a long name").mkdir(parents=True)
    with label_page(fill(tmp_path / "collection", 2, 5), "--into", data) as server:
        page, errors = open_page(browser, server, PHONE)
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        page.click("text=select all")
        page.click("#classes button:first-child")
        wait_done(page, 5)
        assert errors == []


def test_a_stopped_server_is_said(browser: Any, tmp_path: Path) -> None:
    with label_page(fill(tmp_path / "collection", 1, 2), "--into", tmp_path / "birds", stop=False) as server:
        page, _ = open_page(browser, server)
        server.process.kill()
        wait_text(page, "#notice", "does not answer")


def many(collection: Path) -> Path:
    """10,000 small images, all of them different."""
    collection.mkdir()
    for number in range(10_000):
        small = np.random.default_rng(number).integers(0, 256, (6, 8, 3)).astype(np.uint8)
        (collection / f"{number:05}.png").write_bytes(encode_png(small))
    return collection


@pytest.mark.extra
def test_ten_thousand_images_scroll(browser: Any, tmp_path: Path) -> None:
    """Only the figures near the window exist, and each step of scrolling is quick."""
    collection = many(tmp_path / "collection")
    with label_page(collection, "--into", tmp_path / "birds") as server:
        page, errors = open_page(browser, server)
        wait_text(page, "#progress", "0 of 10000")
        longest = page.evaluate(
            """async () => {
                let longest = 0, last = performance.now();
                const end = document.documentElement.scrollHeight;
                for (let step = 0; step < 60; step++) {
                    window.scrollTo(0, end * step / 60);
                    await new Promise(requestAnimationFrame);
                    const now = performance.now();
                    longest = Math.max(longest, now - last); last = now;
                }
                return longest;
            }"""
        )
        assert longest < 1000, f"{longest} ms for one step"
        page.wait_for_timeout(300)
        assert page.locator("figure").count() < 600
        page.evaluate("window.scrollTo(0, 0)")
        page.wait_for_selector("figure")
        assert errors == []


@pytest.mark.extra
def test_500_labels_of_10000_images_survive_20_kills(browser: Any, tmp_path: Path) -> None:
    """Every label that the page showed as done is on the disk, and no image is lost or doubled."""
    collection, data = many(tmp_path / "collection"), tmp_path / "birds"
    (data / "robin").mkdir(parents=True)
    (data / "wren").mkdir()
    contents = sorted(path.read_bytes() for path in collection.iterdir())
    random = np.random.default_rng(7)
    shown = 0
    for attempt in range(21):
        last = attempt == 20
        with label_page(collection, "--into", data, stop=last) as server:
            page, _ = open_page(browser, server)
            wanted = 500 - shown if last else int(random.integers(5, 25))
            kill = threading.Timer(float(random.uniform(0.05, 1.5)), server.process.kill)
            if not last:
                kill.start()
            begin, seen = shown, 0
            while seen < wanted and not (kill.finished.is_set() and not last):
                page.keyboard.press("12"[int(random.integers(2))])
                page.wait_for_timeout(20)
                seen = done_of(page)
            kill.cancel()
            server.process.kill() if not last else None
            page.wait_for_timeout(50)
            shown = begin + done_of(page)
            page.close()
        moved = sum(1 for label in ("robin", "wren") for _ in (data / label).iterdir())
        assert moved >= shown
        shown = moved
    assert shown >= 500
    files = [path for path in tmp_path.rglob("*.png") if path.is_file()]
    assert sorted(path.read_bytes() for path in files) == contents
