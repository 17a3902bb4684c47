"""Will this file run there? Asked before anyone copies it."""

import json
from pathlib import Path
from typing import Any

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st

from converter import Target, check_fit, read_demands
from edge_runtime import ModelError
from tests.conftest import ROOT, Command

TABLES = sorted((ROOT / "converter" / "runtimes").glob("*.json"))


def change(content: bytes, edit: Any) -> bytes:
    """Rewrite a model after editing its object."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    edit(model)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def raise_versions(version: int) -> Any:
    def edit(model: Any) -> None:
        for code in model.operatorCodes:
            if code.builtinCode == schema.BuiltinOperator.FULLY_CONNECTED:
                code.version = version

    return edit


def make_custom(name: str) -> Any:
    def edit(model: Any) -> None:
        model.operatorCodes[0].builtinCode = schema.BuiltinOperator.CUSTOM
        model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        model.operatorCodes[0].customCode = name

    return edit


def test_there_is_a_table_for_every_target_and_it_says_where_it_is_from() -> None:
    assert {path.stem for path in TABLES} == set(Target)
    for path in TABLES:
        table = json.loads(path.read_text())
        assert table["target"] == path.stem
        assert any(character.isdigit() for character in table["read_from"])
        assert {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SOFTMAX"} <= table["operators"].keys()


def test_operators_and_versions_are_read_from_the_file(color_models: dict[str, Path]) -> None:
    demands = read_demands(color_models["uint8"].read_bytes(), name="colors")
    names = {operator.name: operator for operator in demands.operators}
    assert {"FULLY_CONNECTED", "MEAN", "QUANTIZE", "SOFTMAX"} == names.keys()
    assert names["QUANTIZE"].count == 2
    assert {"INT8", "UINT8"} <= demands.types


@pytest.mark.parametrize("target", Target)
def test_a_plain_int8_model_runs_everywhere(color_models: dict[str, Path], target: Target) -> None:
    fit = check_fit(color_models["uint8"].read_bytes(), target, name="colors")
    assert fit.fits, fit.problems
    assert fit.ran == (target is Target.LITERT)
    assert fit.verdict.startswith(f"runs on {target}")


def test_a_newer_operator_version_is_reported_before_loading(color_models: dict[str, Path]) -> None:
    newer = change(color_models["uint8"].read_bytes(), raise_versions(12))
    fit = check_fit(newer, Target.TFLITE_RUNTIME_2_14, name="newer")
    assert not fit.fits
    assert fit.problems == ("FULLY_CONNECTED version 12 is needed, it has 1 to 10",)
    assert not fit.ran
    assert check_fit(newer, Target.LITERT, name="newer").fits


@pytest.mark.parametrize(
    ("name", "words"), [("FlexErf", "all of TensorFlow"), ("MyOp", "part of no runtime")]
)
def test_flex_and_custom_operators_are_reported(color_models: dict[str, Path], name: str, words: str) -> None:
    custom = change(color_models["uint8"].read_bytes(), make_custom(name))
    for target in Target:
        problems = check_fit(custom, target, name="custom").problems
        assert any(name in line and words in line for line in problems)


def test_float_does_not_run_on_an_edge_tpu(color_models: dict[str, Path]) -> None:
    fit = check_fit(color_models["float32"].read_bytes(), Target.EDGETPU, name="float")
    assert fit.problems == ("tensors of type FLOAT32 are not supported",)


def test_the_command_ends_with_a_verdict(
    command: Command, color_models: dict[str, Path], tmp_path: Path
) -> None:
    fine = command("edge-check", color_models["uint8"], "--target", "litert", "--target", "tflite-micro")
    assert (fine.code, fine.err) == (0, "")
    assert fine.out.count("runs on") == 2
    assert "FULLY_CONNECTED" in fine.out
    (tmp_path / "newer.tflite").write_bytes(change(color_models["uint8"].read_bytes(), raise_versions(12)))
    bad = command("edge-check", tmp_path / "newer.tflite", "--target", "tflite-runtime-2.14")
    assert bad.code == 3
    assert "does not run on tflite-runtime-2.14" in bad.out
    command("edge-check", tmp_path / "none.tflite").fails_with(3, "none.tflite")
    command("edge-check", color_models["uint8"], "--target", "abacus").fails_with(2, "abacus")


@pytest.mark.slow
def test_a_conversion_for_a_target_that_cannot_run_it_stops(
    command: Command, digits_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.tflite"
    done = command("edge-convert", digits_run, "--out", out, "--precision", "float16", "--target", "edgetpu")
    done.fails_at_last_with(3, "is not written", "does not run on edgetpu", "FLOAT16")
    assert not out.exists()


@given(st.binary(max_size=200), st.integers(0, 3000))
def test_damaged_files_are_refused_or_read_but_never_crash(noise: bytes, start: int) -> None:
    content = bytearray(CONTENT)
    content[start : start + len(noise)] = noise
    try:
        read_demands(bytes(content), name="damaged")
    except ModelError as error:
        assert "damaged" in str(error)  # noqa: PT017


def _small_model() -> bytes:
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.SOFTMAX
    operator, graph, model = schema.OperatorT(), schema.SubGraphT(), schema.ModelT()
    tensors = []
    for number in range(20):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = f"tensor {number}", [1, 2], schema.TensorType.INT8
        tensors.append(tensor)
    operator.inputs, operator.outputs = [0], [1]
    graph.tensors, graph.operators, graph.inputs, graph.outputs = tensors, [operator] * 20, [0], [1]
    model.version, model.operatorCodes, model.subgraphs, model.buffers = (
        3,
        [code],
        [graph],
        [schema.BufferT()],
    )
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


CONTENT = _small_model()
