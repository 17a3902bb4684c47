"""Probe an installed runtime for its operators, their versions and the types of its layers; write its table.

    python converter/compatibility/runtimes/probe.py tflite-runtime-2.14 tflite_runtime /path/to/its/python

For every builtin operator and version a model with that one operator is loaded by the runtime, in a Python
that has it installed; a runtime without it refuses. The table is written beside this file. tflite-micro looks
at no version and says only on its error stream what it misses: its operators are loaded one process each.
A custom operator that is unknown is refused by its name; one that is known fails in another way, for want of
tensors. Of the layers that have weights a whole model is made for each pair of activation and weight type.
"""

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

MAX_VERSION = 24
MICRO = "tflite_micro"
# Reads models from stdin, each behind its length; answers 1 or 0 for each.
LOADER = """
import sys
from {module}.interpreter import Interpreter
while (size := int.from_bytes(sys.stdin.buffer.read(4), "little")):
    content = sys.stdin.buffer.read(size)
    try:
        Interpreter(model_content=content)
        sys.stdout.write("1")
    except ValueError:
        sys.stdout.write("0")
"""
# Loads one model, gives it zeros and runs it.
RUNNER = """
import sys
import numpy as np
from {module}.interpreter import Interpreter
interpreter = Interpreter(model_content=sys.stdin.buffer.read())
interpreter.allocate_tensors()
entry = interpreter.get_input_details()[0]
interpreter.set_tensor(entry["index"], np.zeros(entry["shape"], entry["dtype"]))
interpreter.invoke()
"""
MICRO_RUNNER = """
import sys
import numpy as np
from tflite_micro import runtime
interpreter = runtime.Interpreter.from_bytes(sys.stdin.buffer.read())
entry = interpreter.get_input_details(0)
interpreter.set_input(np.zeros(entry["shape"], entry["dtype"]), 0)
interpreter.invoke()
"""
UNKNOWN_CUSTOM = (b"unresolved custom op", b"failed to get registration", b"couldn't find")
# Names from TensorFlow Lite's register.cc, tflite-micro's resolver, and some that neither has.
CUSTOM = (
    "AudioSpectrogram", "CIRCULAR_BUFFER", "Convolution2DTransposeBias", "MaxPoolingWithArgmax2D", "Mfcc",
    "NumericVerify", "RandomUniform", "TFLite_Detection_PostProcess", "edgetpu-custom-op",
)  # fmt: skip
# Half bytes of one value.
BYTES = {"FLOAT32": 8, "FLOAT16": 4, "INT8": 2, "UINT8": 2, "INT16": 4, "INT4": 1}
BIAS_BYTES = {"FLOAT32": 4, "INT32": 4, "INT64": 8}


class Layer(NamedTuple):
    """A layer: its version, its options in the schema, the shape and the channel axis of its weights."""

    version: int
    options: str
    weights: tuple[int, ...]
    channels: int | None


LAYERS = {
    "CONV_2D": Layer(1, "Conv2DOptions", (4, 1, 1, 4), 0),
    "DEPTHWISE_CONV_2D": Layer(1, "DepthwiseConv2DOptions", (1, 1, 1, 4), 3),
    "FULLY_CONNECTED": Layer(1, "FullyConnectedOptions", (4, 4), None),
}
MICRO_LOADER = """
import sys
from tflite_micro import runtime
runtime.Interpreter.from_bytes(sys.stdin.buffer.read())
"""


def build_model(opcode: int, version: int, custom: str | None = None) -> bytes:
    """A model whose only operator is this one."""
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = opcode, min(opcode, 127), version
    code.customCode = custom
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [], []
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = [], [], [], [operator]
    return _pack(code, graph, [schema.BufferT()])


def build_layer(name: str, activation: str, weight: str) -> bytes:
    """A model of one layer with four channels in and out, of these types."""
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
    code.version = LAYERS[name].version
    buffers = [schema.BufferT() for _ in range(3)]
    weights = LAYERS[name].weights
    buffers[1].data = [1] * (math.prod(weights) * BYTES[weight] // 2)
    flat = [1, 4] if name == "FULLY_CONNECTED" else [1, 4, 4, 4]
    per_channel = LAYERS[name].channels is not None and weight in ("INT8", "INT4")
    bias_channels = 0 if per_channel else None
    bias = {"INT8": "INT32", "UINT8": "INT32", "INT16": "INT64"}.get(activation, "FLOAT32")
    buffers[2].data = [0] * (4 * BIAS_BYTES[bias])
    tensors = [
        _tensor(flat, activation, 0),
        _tensor(weights, weight, 1, LAYERS[name].channels),
        _tensor([4], bias, 2, bias_channels, scale=0.01),
        _tensor(flat, activation, 0),
    ]
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0, 1, 2], [3]
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, LAYERS[name].options)
    options = operator.builtinOptions = getattr(schema, f"{LAYERS[name].options}T")()
    options.strideW = options.strideH = options.dilationWFactor = options.dilationHFactor = 1
    options.depthMultiplier = 1
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = tensors, [0], [3], [operator]
    return _pack(code, graph, buffers)


def _tensor(
    shape: Sequence[int], kind: str, buffer: int, channels: int | None = None, scale: float = 0.1
) -> Any:
    tensor = schema.TensorT()
    tensor.shape, tensor.type, tensor.buffer, tensor.name = (
        list(shape),
        getattr(schema.TensorType, kind),
        buffer,
        "t",
    )
    if kind not in ("FLOAT32", "FLOAT16"):
        tensor.quantization = schema.QuantizationParametersT()
        # A scale for each of the four channels, as today's int8 models have it; uint8 models had one for all.
        count = 4 if channels is not None and kind in ("INT8", "INT4", "INT32") else 1
        tensor.quantization.scale, tensor.quantization.zeroPoint = [scale] * count, [0] * count
        tensor.quantization.quantizedDimension = channels or 0
    return tensor


def _pack(code: Any, graph: Any, buffers: list[Any]) -> bytes:
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], buffers
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def probe(python: str, module: str) -> dict[str, list[int]]:
    """Operator → [lowest, highest version]."""
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    candidates = [(code, version) for code in sorted(names) for version in range(1, MAX_VERSION + 1)]
    models = [build_model(*candidate) for candidate in candidates]
    given = b"".join(len(model).to_bytes(4, "little") + model for model in models) + bytes(4)
    answers = _run(python, LOADER.format(module=module), given).stdout.decode()
    found: dict[str, list[int]] = {}
    for (code, version), answer in zip(candidates, answers, strict=True):
        if answer == "1":
            low = found.get(names[code], [version])[0]
            found[names[code]] = [low, version]
    return dict(sorted(found.items()))


def probe_micro(python: str) -> dict[str, list[int | None]]:
    """Operator → [1, None]: any version."""
    names = {name: code for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    return {
        name: [1, None]
        for name, code in sorted(names.items())
        if b"Failed to get registration" not in _run(python, MICRO_LOADER, build_model(code, 1)).stderr
    }


def probe_custom(python: str, loader: str) -> list[str]:
    """The custom operators that a runtime knows."""
    custom = schema.BuiltinOperator.CUSTOM
    return [
        name
        for name in CUSTOM
        if not any(
            words in (answer := _run(python, loader, build_model(custom, 1, name))).stderr.lower()
            for words in UNKNOWN_CUSTOM
        )
        and answer.returncode != 0
    ]


def probe_layers(python: str, loader: str) -> dict[str, list[list[str]]]:
    """Layer → the pairs of activation and weight type that it is loaded and run with."""
    return {
        name: [
            [activation, weight]
            for activation in BYTES
            for weight in BYTES
            if _run(python, loader, build_layer(name, activation, weight)).returncode == 0
        ]
        for name in LAYERS
    }


def _run(python: str, code: str, given: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([python, "-c", code], input=given, capture_output=True, check=False)  # noqa: S603


def _compact(table: dict[str, Any]) -> str:
    """JSON with one operator a line."""
    lines = ",\n".join(f'  "{name}": {json.dumps(span)}' for name, span in table["operators"].items())
    head = "".join(f' "{key}": {json.dumps(table[key])},\n' for key in ("target", "read_from", "custom"))
    head += f' "layers": {json.dumps(table["layers"])},\n'
    return f'{{\n{head} "operators": {{\n{lines}\n }}\n}}\n'


def main() -> None:
    """Write one table."""
    target, module, python = sys.argv[1:]
    package = module.replace("_", "-")
    loader = MICRO_RUNNER if module == MICRO else RUNNER.format(module=module)
    release = _run(
        python, f"import importlib.metadata as m; print(m.version({package!r}))", b""
    ).stdout.decode()
    table = {
        "target": target,
        "read_from": f"{package} {release.strip()}",
        "custom": probe_custom(python, loader),
        "layers": probe_layers(python, loader),
        "operators": probe_micro(python) if module == MICRO else probe(python, module),
    }
    path = Path(__file__).parent / f"{target}.json"
    path.write_text(_compact(table), encoding="utf-8")
    sys.stdout.write(f"{path}: {len(table['operators'])} operators\n")


if __name__ == "__main__":
    main()
