"""Read a TensorFlow SavedModel: its operations are checked by name, then a child process converts it.

A SavedModel is a program: TensorFlow runs operations of it while it loads it. So only those are let through
that compute, or that read the variables beside it. Those that save do nothing in the copy that is loaded, and
the child process cannot fill a file.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge_runtime.core import ModelError, one_line, read_file

MAX_GRAPH_BYTES = 256 * 1024**2
WALL_SECONDS = 300

_COMPUTES = frozenset(
    """
    Add AddV2 AvgPool BiasAdd Cast ConcatV2 Const Conv2D DepthwiseConv2dNative ExpandDims Fill FusedBatchNorm
    FusedBatchNormV3 Identity IdentityN LeakyRelu MatMul MaxPool Maximum Mean Minimum Mul Neg NoOp Pack Pad
    PadV2 Placeholder PlaceholderWithDefault Prod RealDiv Relu Relu6 Reshape Rsqrt Select SelectV2 Shape
    Sigmoid Slice Softmax Split Sqrt Square Squeeze StopGradient StridedSlice Sub Sum Tanh Transpose Unpack
    """.split()  # noqa: SIM905 - read as words
)
_VARIABLES = frozenset(
    """
    Assign AssignVariableOp DisableCopyOnRead MergeV2Checkpoints PartitionedCall
    ReadVariableOp RestoreV2 SaveV2 ShardedFilename StatefulPartitionedCall
    StaticRegexFullMatch StringJoin VarHandleOp VarIsInitializedOp VariableV2
    """.split()  # noqa: SIM905 - read as words
)
"""How TensorFlow reads, and would write, the variables: each SavedModel has them."""

_SAVES = frozenset(("SaveV2", "MergeV2Checkpoints"))


def read_saved_model(path: Path) -> bytes:
    """The bytes of a float `.tflite` with the same operations.

    Raises:
        ModelError: damaged, with an operation that is not known, or not convertible.
    """
    parsed = _parse(path)
    _check_operations(parsed, path)
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "saved_model.pb").write_bytes(_without_saving(parsed))
        for part in ("variables", "assets"):
            if (path / part).is_dir():
                (Path(name) / part).symlink_to((path / part).absolute())
        return _convert(Path(name), path)


def _convert(folder: Path, path: Path) -> bytes:
    # -P: a tensorflow.py in the working folder must not be imported.
    command = [sys.executable, "-P", "-m", "converter.foreign.saved_model_child", str(folder)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        child = subprocess.run(  # noqa: S603 - our own module, no shell
            command, capture_output=True, timeout=WALL_SECONDS, check=False, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{path}: TensorFlow did not convert it within {WALL_SECONDS} s") from error
    if child.returncode != 0 or child.stdout[4:8] != b"TFL3":
        lines = [line for line in child.stderr.decode(errors="replace").splitlines() if line.strip()]
        reason = lines[-1] if lines else f"exit code {child.returncode}"
        raise ModelError(f"{path}: TensorFlow cannot convert it: {one_line(reason):.200}")
    return child.stdout


def _parse(path: Path) -> Any:
    content = read_file(path / "saved_model.pb", max_bytes=MAX_GRAPH_BYTES, error=ModelError)
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    try:
        return SavedModel.FromString(content)
    except DecodeError as error:
        raise ModelError(f"{path}/saved_model.pb: not a SavedModel, or damaged") from error


def _without_saving(parsed: Any) -> bytes:
    """The graph with nothing in place of the operations that write a file; they have no results."""
    for node in _nodes(parsed):
        if node.op in _SAVES:
            node.op = "NoOp"
            node.attr.clear()
            control = [each for each in node.input if each.startswith("^")]
            del node.input[:]
            node.input.extend(control)
    return bytes(parsed.SerializeToString())


def _check_operations(parsed: Any, path: Path) -> None:
    for node in _nodes(parsed):
        if node.op not in _COMPUTES | _VARIABLES and not node.op.startswith("__inference"):
            raise ModelError(
                f"{path}: contains the operation {node.op!s:.60}, which is not among the known ones; refused"
            )
    links = [each.name for each in path.rglob("*") if each.is_symlink()]
    if links:
        raise ModelError(f"{path}: {links[0]} links to elsewhere; refused")


def _nodes(parsed: Any) -> Iterator[Any]:
    """The nodes of each graph and of each function."""
    for graph in parsed.meta_graphs:
        yield from graph.graph_def.node
        for function in graph.graph_def.library.function:
            yield from function.node_def
