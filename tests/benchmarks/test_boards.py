"""Reports of boards: valid, of real machines, and shown in the documentation."""

import dataclasses
import json
import re
import runpy
from pathlib import Path

import jsonschema
import pytest

from benchmarks import open_bundle
from benchmarks.boards import BOARDS, boards_table, read_boards
from benchmarks.rendering import report_markdown
from benchmarks.report import Report
from edge_runtime import ModelError
from edge_runtime.core import json_schema
from tests.benchmarks.reports import MACHINE, report, target
from tests.conftest import ROOT

NAMES = sorted(path.parent.name for path in BOARDS.glob("*/report.json"))


@pytest.mark.parametrize("name", NAMES)
def test_a_board_has_a_valid_report_and_describes_its_machine(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    content = json.loads((BOARDS / name / "report.json").read_text())
    jsonschema.validate(content, json_schema(Report))
    found = read_boards()[name]
    assert len(found.machine.processor) > 3
    assert found.machine.cores >= 1
    assert found.machine.memory_gib >= 0
    assert not found.machine.emulated
    assert (BOARDS / name / "report.md").read_text() == report_markdown(found)


def test_the_page_shows_them_all() -> None:
    page = (ROOT / "docs" / "boards.md").read_text(encoding="utf-8")
    assert page == runpy.run_path(str(ROOT / "docs" / "generate.py"))["render_boards"](page), (
        "run `make docs`"
    )
    assert NAMES
    assert all(found.machine.name in page for found in read_boards().values())


def test_the_bundle_for_boards_is_one() -> None:
    with open_bundle(BOARDS / "digits.bundle.zip") as bundle:
        assert [path.name for path in bundle.models] == ["digits.tflite"]
        assert len(bundle.images.samples) == 269


def test_an_emulated_board_is_refused(tmp_path: Path) -> None:
    emulated = report(target("m"), machine=dataclasses.replace(MACHINE, emulated=True))
    (tmp_path / "qemu").mkdir()
    (tmp_path / "qemu" / "report.json").write_text(emulated.to_json())
    with pytest.raises(ModelError, match="emulated processor; a board is a real one"):
        read_boards(tmp_path)


def test_boards_of_one_run_are_one_table() -> None:
    pi = dataclasses.replace(MACHINE, processor="Raspberry Pi 5", cores=4)
    table = boards_table({"a": report(target("m")), "b": report(target("m"), machine=pi)})
    assert table.count("**run**") == 1
    assert "| m | Raspberry Pi 5, 4 cores |" in table
