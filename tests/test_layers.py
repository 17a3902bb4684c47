"""Imports go one way: from commands down to the core, in each package and between the packages."""

import ast
import subprocess

from tests.conftest import BIN, ROOT
from tests.import_circles import PACKAGES, find_circles


def test_no_modules_import_each_other_not_even_inside_functions() -> None:
    assert find_circles() == []


def test_the_layers_are_kept() -> None:
    done = subprocess.run([BIN / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_packages_import_each_other_through_the_rooms_faces() -> None:
    """`from edge_runtime.images import fit`, not `from edge_runtime.images.resize import fit`."""
    deep = [
        f"{path.relative_to(ROOT)}: {node.module}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
        for other in [node.module.partition(".")[0]]
        if other in PACKAGES and other != package and node.module.count(".") > 1
    ]
    assert deep == []
