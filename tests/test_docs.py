"""The documentation says what the commands do."""

import json
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from edge_runtime import fit
from tests.conftest import ROOT, Command, linear_model, save


def test_the_command_page_is_what_help_prints() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == runpy.run_path(str(ROOT / "docs" / "generate.py"))["render"](), "run `make docs`"


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readmes_python_gives_the_commands_answer(command: Command, tmp_path: Path) -> None:
    """The image is large enough to be decoded at reduced scale, and the model sees every pixel."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    rough = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    save(tmp_path / "photo.jpg", fit(rough, (960, 1280)))
    (tmp_path / "birds.tflite").write_bytes(linear_model(96, ("wren", "robin", "tit", "crow")))
    done = subprocess.run(
        [sys.executable, "-c", blocks[0]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = [line.split() for line in done.stdout.splitlines()]
    told = command(
        *("edge-classify", "-m", "birds.tflite", "--input", "photo.jpg", "--format", "jsonl"), cwd=tmp_path
    )
    expected = json.loads(told.out)["predictions"]
    assert [label for label, _score in found] == [each["label"] for each in expected]
    assert [float(score) for _label, score in found] == pytest.approx(
        [each["score"] for each in expected], abs=1e-6
    )


# A moving pattern in place of a camera, and three frames instead of all that come.
STAND_IN = """
from itertools import islice
import edge_runtime
from edge_runtime.sources.devices import DeviceKind, DeviceRequest
edge_runtime.camera_request = lambda name: DeviceRequest(DeviceKind.SYNTHETIC, name, width=64, height=48)
frames = edge_runtime.LiveSource.__iter__
edge_runtime.LiveSource.__iter__ = lambda source: islice(frames(source), 3)
"""


def test_the_readmes_camera_example_gives_an_answer_for_each_frame(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    labels = ("wren", "robin", "tit", "crow")
    (tmp_path / "birds.tflite").write_bytes(linear_model(96, labels))
    assert len(blocks) == 2
    done = subprocess.run(
        [sys.executable, "-c", STAND_IN + blocks[1]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said, *answers = done.stdout.splitlines()
    assert said == "0: a moving pattern of 64x48"
    assert len(answers) == 3
    assert set(answers) <= set(labels)


def test_every_command_that_the_readme_shows_exists() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    shown = set(re.findall(r"\bedge-[a-z]+\b", (ROOT / "README.md").read_text(encoding="utf-8")))
    # The distribution has the name of its most used command.
    assert shown == scripts.keys()


def test_every_option_that_the_readme_shows_exists() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("edge-")]
    assert lines
    for line in lines:
        for option in re.findall(r"(?<= )--[a-z-]+", line):
            assert option in page, line
