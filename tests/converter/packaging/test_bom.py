"""The bill of materials is valid, and is of the file that was written."""

import json
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from converter.packaging import format_bom
from edge_runtime import ModelCard
from edge_runtime.core import sha256


def check(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_it_is_valid_by_its_schema_and_of_this_file(digits_model: Path) -> None:
    text = digits_model.with_suffix(".cdx.json").read_text()
    check(text)
    found = json.loads(text)
    model = found["metadata"]["component"]
    assert model["hashes"] == [{"alg": "SHA-256", "content": sha256(digits_model.read_bytes())}]
    assert model["modelCard"]["modelParameters"]["architectureFamily"] == "MobileNetV2"
    slices = {each["slice"] for each in model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]}
    assert "validation" in slices
    assert "tensorflow" in {each["name"] for each in found["components"]}


def test_a_card_with_little_in_it_gives_a_valid_one() -> None:
    check(format_bom(b"x", ModelCard(labels=("a, b", "ü"), image_size=(8, 9)), name="m.tflite"))
