"""docs/digits.ipynb runs from top to bottom, and what it shows was printed by its own cells."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.commands import BIN
from tests.conftest import ROOT

NOTEBOOK = ROOT / "docs" / "digits.ipynb"


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def test_it_is_stored_as_it_ran() -> None:
    cells = code_cells(NOTEBOOK)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not any(output["output_type"] == "error" for cell in cells for output in cell["outputs"])
    assert sum(bool(cell["outputs"]) for cell in cells) == len(cells) - 1


@pytest.mark.extra
def test_it_runs_from_top_to_bottom(tmp_path: Path) -> None:
    copy = tmp_path / "digits.ipynb"
    copy.write_bytes(NOTEBOOK.read_bytes())
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    command = [BIN / "jupyter-execute", "--inplace", "--timeout=900", copy]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=1200)
    assert done.returncode == 0, done.stderr[-2000:]
    outputs = [output for cell in code_cells(copy) for output in cell["outputs"]]
    text = json.dumps(outputs)
    assert "agreement:" in text
    assert "label='unknown'" in text
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
