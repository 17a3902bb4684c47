"""Every package has one flat public surface, complete and sorted."""

import ast
import importlib

import pytest

from tests.conftest import ROOT

PACKAGES = ("benchmarks", "converter", "edge_runtime", "trainer")


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_sorted_and_names_everything_that_is_imported(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__all__ == sorted(module.__all__)
    tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(package)
        for alias in node.names
    }
    assert imported == set(module.__all__)


@pytest.mark.parametrize("package", PACKAGES)
def test_everything_public_has_a_docstring(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__doc__
    for name in module.__all__:
        value = getattr(module, name)
        assert not callable(value) or value.__doc__, name
