"""`edge-convert --for huggingface`: a page whose metadata a reader of YAML understands."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from converter.packaging import format_hub_page
from converter.quantization import Comparison
from edge_runtime import read_model_file
from tests.commands import Command


def metadata(page: str) -> dict[str, Any]:
    """What is between the first two lines of three dashes."""
    _, front, _ = page.split("---\n", 2)
    return dict(yaml.safe_load(front))


def test_the_page_says_what_the_conversion_measured(
    command: Command, digits_run: Path, tmp_path: Path
) -> None:
    done = command("edge-convert", digits_run, "--for", "huggingface", "--out", tmp_path / "digits")
    assert done.code == 0, done.err
    assert "hf upload" in done.out
    page = (tmp_path / "digits" / "README.md").read_text(encoding="utf-8")
    record = json.loads((tmp_path / "digits" / "model.conversion.json").read_text())
    found = metadata(page)
    assert found["pipeline_tag"] == "image-classification"
    assert "int8" in found["tags"]
    (result,) = found["model-index"][0]["results"]
    ours, keras = (metric["value"] for metric in result["metrics"])
    assert f"{ours:.4f}" in page
    assert f"{keras:.4f}" in page
    assert f"{ours:.4f}" in done.out
    assert str(record["held_out"]["count"]) in page
    assert read_model_file(tmp_path / "digits" / "model.tflite").card is not None


def test_labels_of_strangers_stay_text(digits_model: Path) -> None:
    file = read_model_file(digits_model)
    assert file.card is not None
    names = ("a|b", "`rm`", '"quoted": [', "<script>", *map(str, range(len(file.card.labels) - 4)))
    card = replace(file.card, labels=names)
    compared = Comparison(10, 0.9, 0.8, 1, 0, 0.9, 0.01, {})
    page = format_hub_page(b"x" * 1_000_000, card, compared, name='a"b: c', split="test")
    assert metadata(page)["model-index"][0]["name"] == 'a"b: c'
    (row,) = (line for line in page.splitlines() if line.startswith("| labels |"))
    assert row.replace(r"\|", "").count("|") == 3
    assert "`<script>`" in row


def test_a_file_name_is_no_folder(command: Command, digits_run: Path, tmp_path: Path) -> None:
    done = command("edge-convert", digits_run, "--for", "huggingface", "--out", tmp_path / "m.tflite")
    assert done.code == 2
    assert "--for huggingface writes a folder" in done.err
