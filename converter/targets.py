"""Will a model run there? Its operators and versions against what a runtime registers."""

import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

from converter.operators import Operator, read_demands
from edge_runtime import ModelError
from edge_runtime.trial import prove_model


class Target(StrEnum):
    """Runtimes that a model can be checked against."""

    LITERT = "litert"
    TFLITE_RUNTIME_2_14 = "tflite-runtime-2.14"
    TFLITE_RUNTIME_2_11 = "tflite-runtime-2.11"
    EDGETPU = "edgetpu"
    TFLITE_MICRO = "tflite-micro"


# Engine and package of the targets whose interpreter may be installed here; the version must begin so.
_INTERPRETERS = {
    Target.LITERT: ("litert", "ai-edge-litert", ""),
    Target.TFLITE_RUNTIME_2_14: ("tflite-runtime", "tflite-runtime", "2.14"),
    Target.TFLITE_RUNTIME_2_11: ("tflite-runtime", "tflite-runtime", "2.11"),
}
_INTEGERS = frozenset({"INT8", "UINT8", "INT16", "INT32", "INT64", "BOOL"})
# Edge TPU computes in 8 bits (32 for biases); tflite-micro has kernels for these types and none for float16.
_TYPES = {
    Target.EDGETPU: frozenset({"INT8", "UINT8", "INT32"}),
    Target.TFLITE_MICRO: _INTEGERS | {"FLOAT32"},
}


@dataclass(frozen=True)
class Requirement:
    """One kind of operator beside what the target has.

    Attributes:
        operator: in the model.
        supported: lowest and highest version that the target registers, the highest None for any;
            None where it has no such operator.
    """

    operator: Operator
    supported: tuple[int, int | None] | None

    @property
    def fits(self) -> bool:
        """Whether the target can run the operator."""
        if self.supported is None or self.operator.custom:
            return False
        low, high = self.supported
        return low <= self.operator.version and (high is None or self.operator.version <= high)


@dataclass(frozen=True)
class Fit:
    """Whether a model runs on a target.

    Attributes:
        target: the runtime.
        read_from: the release that its table was read from.
        requirements: every kind of operator of the model.
        strange_types: tensor types that the target cannot compute with.
        ran: whether the file was also really loaded and run by the target's interpreter.
    """

    target: Target
    read_from: str
    requirements: tuple[Requirement, ...]
    strange_types: tuple[str, ...]
    ran: bool

    @property
    def fits(self) -> bool:
        """Nothing stands against it."""
        return not self.problems

    @property
    def problems(self) -> tuple[str, ...]:
        """What stands against it, one line each."""
        lines = [_explain(each) for each in self.requirements if not each.fits]
        lines += [f"tensors of type {name} are not supported" for name in self.strange_types]
        return tuple(lines)

    @property
    def verdict(self) -> str:
        """One line."""
        if not self.fits:
            return f"does not run on {self.target} ({self.read_from}): {'; '.join(self.problems)}"
        return f"runs on {self.target} ({self.read_from}{', loaded and run here' if self.ran else ''})"

    def to_table(self) -> str:
        """Every operator with its version and what the target has."""
        rows = [("operator", "version", "count", f"{self.target} has", "")]
        rows += [
            (
                each.operator.name,
                str(each.operator.version),
                str(each.operator.count),
                _span(each.supported),
                "ok" if each.fits else "NO",
            )
            for each in self.requirements
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = (
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
        )
        return "\n".join(line.rstrip() for line in lines)


def check_fit(content: bytes, target: Target, *, name: str) -> Fit:
    """Hold a model against a target; where the target's interpreter is installed, load and run it too.

    The table comes first: what it refuses is not loaded.

    Args:
        content: the bytes of a `.tflite`.
        target: the runtime.
        name: what messages call the model.

    Raises:
        ModelError: the file is damaged, or the installed interpreter refuses what the table allows.
    """
    demands = read_demands(content, name=name)
    read_from, spans = _read_table(target)
    requirements = tuple(Requirement(each, spans.get(each.name)) for each in demands.operators)
    strange = tuple(sorted(demands.types - _TYPES.get(target, demands.types)))
    fit = Fit(target, read_from, requirements, strange, ran=False)
    if not fit.fits or not _installed(target):
        return fit
    prove_model(content, name=name, engine=_INTERPRETERS[target][0])
    return Fit(target, read_from, requirements, strange, ran=True)


def _read_table(target: Target) -> tuple[str, Mapping[str, tuple[int, int | None]]]:
    text = files("converter").joinpath("runtimes", f"{target}.json").read_text(encoding="utf-8")
    table = json.loads(text)
    if table["target"] != target:
        raise ModelError(f"the table of {target} is that of {table['target']}")
    return table["read_from"], {name: (low, high) for name, (low, high) in table["operators"].items()}


def _installed(target: Target) -> bool:
    if target not in _INTERPRETERS:
        return False
    _engine, package, version = _INTERPRETERS[target]
    try:
        return importlib.metadata.version(package).startswith(version)
    except importlib.metadata.PackageNotFoundError:
        return False


def _explain(requirement: Requirement) -> str:
    operator = requirement.operator
    if operator.custom and operator.name.startswith("Flex"):
        return f"{operator.name} needs all of TensorFlow (Flex)"
    if operator.custom:
        return f"the custom operator {operator.name} is part of no runtime"
    if requirement.supported is None:
        return f"it has no {operator.name}"
    return f"{operator.name} version {operator.version} is needed, it has {_span(requirement.supported)}"


def _span(supported: tuple[int, int | None] | None) -> str:
    if supported is None:
        return "none"
    low, high = supported
    return f"{low} and later" if high is None else f"{low} to {high}"
