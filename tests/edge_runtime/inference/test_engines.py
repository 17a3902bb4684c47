"""An engine that is not the default has to answer as the workstation did."""

import dataclasses
import json
import subprocess
from pathlib import Path

import pytest

from edge_runtime import LoadOptions, ModelError, load_classifier, pack_model_file, read_model_file
from tests.conftest import BIN, Command

pytestmark = pytest.mark.slow


def with_other_answers(model: Path, path: Path) -> Path:
    """A model whose golden samples are said to be of other classes than they are."""
    card = read_model_file(model).card
    assert card is not None
    golden = tuple(
        dataclasses.replace(sample, scores=(*sample.scores[1:], sample.scores[0])) for sample in card.golden
    )
    content = model.read_bytes()
    bare = content[: content.index(b"PK\x03\x04")]
    path.write_bytes(pack_model_file(bare, dataclasses.replace(card, golden=golden)))
    return path


def test_an_engine_that_answers_wrongly_is_refused_in_one_line(
    command: Command, digits_model: Path, digits_run: Path, tmp_path: Path
) -> None:
    wrong = with_other_answers(digits_model, tmp_path / "wrong.tflite")
    arguments = ("edge-classify", "--input", digits_run / "examples", "--format", "jsonl")
    done = command(*arguments, "-m", wrong, "--engine", "openvino")
    done.fails_with(3, "wrong.tflite", "the engine openvino gives wrong scores on this machine", "0 of 4")
    # The default engine is the one that the answers of a model are defined by: --self-test judges it.
    assert command(*arguments, "-m", wrong).code == 0
    assert command("edge-classify", "-m", wrong, "--self-test").code == 9
    with pytest.raises(ModelError, match="wrong scores"):
        load_classifier(wrong, LoadOptions(engine="openvino"))


def labels_of(engine: str, model: Path, images: Path, environment: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [BIN / "edge-classify", "-m", model, "--input", images, "--format", "jsonl", "--engine", engine],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["answer"] for line in done.stdout.splitlines()]


def test_openvino_answers_like_litert_also_without_8_bit_dot_products(
    digits_model: Path, digits_run: Path, without_vnni: dict[str, str]
) -> None:
    images = digits_run / "examples"
    found = labels_of("openvino", digits_model, images, without_vnni)
    assert len(found) == 10
    assert found == labels_of("litert", digits_model, images, without_vnni)
