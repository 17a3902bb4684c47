"""Will this file run there? Asked before anyone copies it."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st

from converter import Runtime, check_fit, read_demands
from converter.compatibility.micro_interpreter import run_micro
from edge_runtime import ModelError
from tests.conftest import ROOT, Command

LOADED_HERE = {Runtime.LITERT} | ({Runtime.TFLITE_MICRO} if find_spec("tflite_micro") else set())
TABLES = sorted((ROOT / "converter" / "compatibility" / "runtimes").glob("*.json"))


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


def test_there_is_a_table_for_every_runtime_and_it_says_where_it_is_from() -> None:
    assert {path.stem for path in TABLES} == set(Runtime)
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


@pytest.mark.parametrize("runtime", Runtime)
def test_a_plain_int8_model_runs_everywhere(color_models: dict[str, Path], runtime: Runtime) -> None:
    fit = check_fit(color_models["uint8"].read_bytes(), runtime, name="colors")
    assert fit.fits, fit.problems
    assert fit.ran == (runtime in LOADED_HERE)
    assert fit.verdict.startswith(f"{'runs' if fit.ran else 'should run'} on {runtime}")
    assert ("loaded and run here" in fit.verdict) == fit.ran
    assert ("not loaded here" in fit.verdict) != fit.ran


def test_a_newer_operator_version_is_reported_before_loading(color_models: dict[str, Path]) -> None:
    newer = change(color_models["uint8"].read_bytes(), raise_versions(12))
    fit = check_fit(newer, Runtime.TFLITE_RUNTIME_2_14, name="newer")
    assert not fit.fits
    assert fit.problems == ("FULLY_CONNECTED version 12 is needed, it has 1 to 10",)
    assert not fit.ran
    assert check_fit(newer, Runtime.LITERT, name="newer").fits


@pytest.mark.parametrize(
    ("name", "words"), [("FlexErf", "all of TensorFlow"), ("MyOp", "it has no custom operator MyOp")]
)
def test_flex_and_custom_operators_are_reported(color_models: dict[str, Path], name: str, words: str) -> None:
    custom = change(color_models["uint8"].read_bytes(), make_custom(name))
    for runtime in Runtime:
        problems = check_fit(custom, runtime, name="custom").problems
        assert any(name in line and words in line for line in problems)


def test_a_custom_operator_that_is_part_of_a_runtime_is_no_problem(color_models: dict[str, Path]) -> None:
    custom = change(color_models["uint8"].read_bytes(), make_custom("TFLite_Detection_PostProcess"))
    assert check_fit(custom, Runtime.TFLITE_RUNTIME_2_14, name="custom").fits
    # LiteRT has it too; this model gives it no boxes, and what is loaded and run here has the last word.
    refused = check_fit(custom, Runtime.LITERT, name="custom")
    assert not any("custom operator" in line for line in refused.problems)
    assert not refused.fits
    assert refused.verdict.startswith("does not run on litert")


def convert_layers(kind: str) -> bytes:
    """A convolution and a dense layer that is large enough for the converter to quantize it alone."""
    import keras
    import tensorflow as tf

    inputs = keras.Input(batch_shape=(1, 8, 8, 3))
    outputs = keras.layers.Conv2D(64, 3, activation="relu6")(inputs)
    outputs = keras.layers.GlobalAveragePooling2D()(outputs)
    outputs = keras.layers.Dense(64)(outputs)
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(inputs, outputs))
    converter.optimizations = [tf.lite.Optimize.DEFAULT] if kind == "dynamic" else []
    return bytes(converter.convert())


def test_a_hybrid_model_does_not_run_on_a_microcontroller() -> None:
    """int8 weights with float activations: each operator is there, but not for these types."""
    hybrid = check_fit(convert_layers("dynamic"), Runtime.TFLITE_MICRO, name="hybrid")
    assert hybrid.problems == (
        "its CONV_2D does not take FLOAT32 activations with INT8 weights",
        "its FULLY_CONNECTED does not take FLOAT32 activations with INT8 weights",
    )
    assert check_fit(convert_layers("float32"), Runtime.TFLITE_MICRO, name="float").fits


@pytest.mark.assets
def test_a_model_of_uint8_layers_does_not_run_on_a_microcontroller(assets: Path) -> None:
    model = assets / "foreign" / "mobilenet_v2_1.0_224_quant.tflite"
    fit = check_fit(model.read_bytes(), Runtime.TFLITE_MICRO, name="uint8")
    assert "its CONV_2D does not take UINT8 activations with UINT8 weights" in fit.problems
    assert check_fit(model.read_bytes(), Runtime.LITERT, name="uint8").ran


@pytest.mark.skipif(Runtime.TFLITE_MICRO not in LOADED_HERE, reason="tflite-micro is not installed")
def test_what_tflite_micro_itself_refuses_is_reported_in_its_words() -> None:
    """The interpreter has the last word, where the tables know nothing of a problem."""
    with pytest.raises(ModelError, match=r"tflite-micro refuses it.*Hybrid models are not supported"):
        run_micro(convert_layers("dynamic"), name="hybrid")


def test_float_does_not_run_on_an_edge_tpu(color_models: dict[str, Path]) -> None:
    fit = check_fit(color_models["float32"].read_bytes(), Runtime.EDGETPU, name="float")
    assert fit.problems == ("tensors of type FLOAT32 are not supported",)


def test_the_command_ends_with_a_verdict(
    command: Command, color_models: dict[str, Path], tmp_path: Path
) -> None:
    fine = command("edge-check", color_models["uint8"], "--target", "litert", "--target", "tflite-micro")
    assert (fine.code, fine.err) == (0, "")
    assert fine.out.count("runs on") + fine.out.count("should run on") == 2
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
