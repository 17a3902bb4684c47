"""Imports go one way: from commands down to the core, in each package and between the packages."""

import subprocess

from tests.conftest import BIN, ROOT
from tests.import_circles import find_circles


def test_no_modules_import_each_other_not_even_inside_functions() -> None:
    assert find_circles() == []


def test_the_layers_are_kept() -> None:
    done = subprocess.run([BIN / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
