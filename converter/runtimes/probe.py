"""Read from a runtime itself which operators it has, and in which versions.

    python converter/runtimes/probe.py tflite-runtime-2.14 tflite_runtime /path/to/its/python

For every builtin operator and version a model with that one operator is loaded by the runtime, in a Python
that has it installed; a runtime without it refuses. The table is written beside this file. tflite-micro looks
at no version and says only on its error stream what it misses: its operators are loaded one process each.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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
MICRO_LOADER = """
import sys
from tflite_micro import runtime
runtime.Interpreter.from_bytes(sys.stdin.buffer.read())
"""


def build_model(opcode: int, version: int) -> bytes:
    """A model whose only operator is this one."""
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = opcode, min(opcode, 127), version
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [], []
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = [], [], [], [operator]
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs, model.buffers = (
        3,
        [code],
        [graph],
        [schema.BufferT()],
    )
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


def _run(python: str, code: str, given: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([python, "-c", code], input=given, capture_output=True, check=False)  # noqa: S603


def _compact(table: dict[str, Any]) -> str:
    """JSON with one operator a line."""
    lines = ",\n".join(f'  "{name}": {json.dumps(span)}' for name, span in table["operators"].items())
    head = "".join(f' "{key}": {json.dumps(table[key])},\n' for key in ("target", "read_from"))
    return f'{{\n{head} "operators": {{\n{lines}\n }}\n}}\n'


def main() -> None:
    """Write one table."""
    target, module, python = sys.argv[1:]
    package = module.replace("_", "-")
    release = _run(
        python, f"import importlib.metadata as m; print(m.version({package!r}))", b""
    ).stdout.decode()
    table = {
        "target": target,
        "read_from": f"{package} {release.strip()}",
        "operators": probe_micro(python) if module == MICRO else probe(python, module),
    }
    path = Path(__file__).parent / f"{target}.json"
    path.write_text(_compact(table), encoding="utf-8")
    sys.stdout.write(f"{path}: {len(table['operators'])} operators\n")


if __name__ == "__main__":
    main()
