"""The device needs numpy, OpenCV, Typer and one interpreter: nothing of the workstation is ever imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.images import paint, save

HEAVY = ("tensorflow", "keras", "sklearn", "matplotlib", "scipy", "tomli_w")
NOT_ASKED_FOR = (
    "asyncio",
    "ssl",
    "urllib.request",
    "edge_runtime.collection",
    "edge_runtime.serving",
    "edge_runtime.sinks.mqtt",
    "edge_runtime.trust",
    "edge_runtime.update",
)
BLOCK = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {HEAVY!r}:
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Block())
"""


def run_python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize(
    "module", ["edge_runtime", "edge_runtime.cli.classify", "edge_runtime.inference.sandbox"]
)
def test_the_device_imports_with_the_workstations_libraries_blocked(module: str) -> None:
    assert run_python(f"{BLOCK}\nimport {module}\nprint('fine')") == "fine\n"


def test_the_device_classifies_with_the_workstations_libraries_blocked(
    color_models: dict[str, Path],
) -> None:
    code = f"""{BLOCK}
import numpy as np
from edge_runtime import load_classifier
image = np.full((9, 9, 3), (0, 255, 0), np.uint8)
print(load_classifier({str(color_models["uint8"])!r}).classify(image)[0].label)
"""
    assert run_python(code) == "green\n"


@pytest.mark.parametrize(
    "module", ["edge_runtime", "trainer", "trainer.cli", "converter.cli", "benchmarks.cli"]
)
def test_importing_a_package_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    assert run_python(code) == "[]\n"


def test_classifying_an_image_imports_no_room_that_no_option_asks_for(
    color_models: dict[str, Path], tmp_path: Path
) -> None:
    """A start takes several seconds on the smallest boards, and these rooms were a fifth of it."""
    save(tmp_path / "green.png", paint((0, 255, 0)))
    code = f"""
import os, sys
sys.argv = ["edge-classify", "-m", {str(color_models["uint8"])!r}, "--input", {str(tmp_path / "green.png")!r}]
from edge_runtime.start import edge_classify
try:
    edge_classify()
except SystemExit as ended:
    print(ended.code, [name for name in {NOT_ASKED_FOR!r} if name in sys.modules])
    print("threads", len(os.listdir("/proc/self/task")))
"""
    answer, imported, threads = run_python(code).splitlines()
    assert "green.png: green 1.00" in answer
    assert imported == "0 []"
    assert threads == "threads 1"


def test_the_command_line_works_where_opencv_cannot_be_imported() -> None:
    code = """
import sys
sys.modules["cv2"] = None
from edge_runtime.cli.classify import build_app
from edge_runtime.cli.runner import run_app
run_app(build_app, "edge-classify", ["--input", "synthetic", "--help"])
"""
    assert "Usage: edge-classify" in run_python(code)


def test_a_missing_opencv_is_said_in_one_line_with_the_way_out() -> None:
    code = """
import sys
sys.modules["cv2"] = None
from edge_runtime.images import read_image
from edge_runtime import MissingLibraryError
try:
    read_image(sys.executable, at_least=0)
except MissingLibraryError as error:
    print(error)
"""
    assert "opencv-python-headless" in run_python(code)
