"""The documentation says what the commands do."""

import re
import runpy
import tomllib

from tests.conftest import ROOT


def test_the_command_page_is_what_help_prints() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == runpy.run_path(str(ROOT / "docs" / "generate.py"))["render"](), "run `make docs`"


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_command_that_the_readme_shows_exists() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    shown = set(re.findall(r"\bedge-[a-z]+\b", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert shown - {"edge-classify"} <= scripts.keys() | {"edge-runtime"}


def test_every_option_that_the_readme_shows_exists() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("edge-")]
    assert lines
    for line in lines:
        for option in re.findall(r"(?<= )--[a-z-]+", line):
            assert option in page, line
