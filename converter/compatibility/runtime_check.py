"""Will a model run there? Its operators and versions against what a runtime registers."""

import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.resources import files

from converter.compatibility.micro_interpreter import run_micro
from converter.compatibility.operators import Operator, read_demands
from edge_runtime import ModelError
from edge_runtime.inference.sandbox import prove_model


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
    Target.TFLITE_MICRO: ("tflite-micro", "tflite-micro", ""),
}
_WAYS_TO_BE_SURE = {
    Target.LITERT: "to be sure: pip install ai-edge-litert",
    Target.TFLITE_RUNTIME_2_14: "to be sure: edge-doctor MODEL on the device",
    Target.TFLITE_RUNTIME_2_11: "to be sure: edge-doctor MODEL on the device",
    Target.EDGETPU: "the Edge TPU compiler has the last word",
    Target.TFLITE_MICRO: "to be sure: pip install tflite-micro (Python 3.11) and check again",
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
        types: pairs of activation and weight type that the target computes this layer with; None where any
            are taken, or where the table does not tell.
    """

    operator: Operator
    supported: tuple[int, int | None] | None
    types: frozenset[tuple[str, str]] | None = None

    @property
    def fits(self) -> bool:
        """Whether the target can run the operator."""
        return self.has_version and not self.refused_types

    @property
    def has_version(self) -> bool:
        """Whether the target registers the operator in the version that is needed."""
        if self.supported is None:
            return False
        low, high = self.supported
        return low <= self.operator.version and (high is None or self.operator.version <= high)

    @property
    def refused_types(self) -> tuple[str, ...]:
        """The pairs of types that the target does not compute this layer with."""
        if self.types is None:
            return ()
        refused = [pair for pair in self.operator.types if pair not in self.types]
        return tuple(f"{activation} activations with {weight} weights" for activation, weight in refused)


@dataclass(frozen=True)
class Fit:
    """Whether a model runs on a target.

    Attributes:
        target: the runtime.
        read_from: the release that its table was read from.
        requirements: every kind of operator of the model.
        strange_types: tensor types that the target cannot compute with.
        ran: whether the file was also really loaded and run by the target's interpreter.
        refusal: what the target's interpreter said when it refused the file; empty where it did not.
    """

    target: Target
    read_from: str
    requirements: tuple[Requirement, ...]
    strange_types: tuple[str, ...]
    ran: bool = False
    refusal: str = ""

    @property
    def fits(self) -> bool:
        """Nothing stands against it."""
        return not self.problems

    @property
    def problems(self) -> tuple[str, ...]:
        """What stands against it, one line each."""
        lines = [_explain(each) for each in self.requirements if not each.fits]
        lines += [f"tensors of type {name} are not supported" for name in self.strange_types]
        lines += [self.refusal] if self.refusal else []
        return tuple(lines)

    @property
    def verdict(self) -> str:
        """One line."""
        if not self.fits:
            return f"does not run on {self.target} ({self.read_from}): {'; '.join(self.problems)}"
        if self.ran:
            return f"runs on {self.target} ({self.read_from}, loaded and run here)"
        return (
            f"should run on {self.target} ({self.read_from}): it has every operator and version; it was not "
            f"loaded here, {_WAYS_TO_BE_SURE[self.target]}"
        )

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
        ModelError: the file is damaged.
    """
    demands = read_demands(content, name=name)
    table = _read_table(target)
    requirements = tuple(table.requirement(each) for each in demands.operators)
    strange = tuple(sorted(demands.types - _TYPES.get(target, demands.types)))
    fit = Fit(target, table.read_from, requirements, strange)
    if not fit.fits or not _installed(target):
        return fit
    try:
        if target is Target.TFLITE_MICRO:
            run_micro(content, name=name)
        else:
            prove_model(content, name=name, engine=_INTERPRETERS[target][0])
    except ModelError as error:
        return replace(fit, refusal=str(error))
    return replace(fit, ran=True)


@dataclass(frozen=True)
class _Table:
    """What a runtime has, as `runtimes/TARGET.json` says.

    Attributes:
        read_from: the release that it was read from.
        operators: builtin operator → lowest and highest version.
        custom: names of the custom operators that are part of the runtime.
        layers: layer → the pairs of activation and weight type that it takes.
    """

    read_from: str
    operators: Mapping[str, tuple[int, int | None]]
    custom: frozenset[str]
    layers: Mapping[str, frozenset[tuple[str, str]]]

    def requirement(self, operator: Operator) -> Requirement:
        """One of a model's operators beside what the runtime has."""
        if operator.custom:
            return Requirement(operator, (1, None) if operator.name in self.custom else None)
        return Requirement(operator, self.operators.get(operator.name), self.layers.get(operator.name))


def _read_table(target: Target) -> _Table:
    text = files("converter.compatibility").joinpath("runtimes", f"{target}.json").read_text(encoding="utf-8")
    table = json.loads(text)
    if table["target"] != target:
        raise ModelError(f"the table of {target} is that of {table['target']}")
    layers = table.get("layers", {})
    return _Table(
        read_from=table["read_from"],
        operators={name: (low, high) for name, (low, high) in table["operators"].items()},
        custom=frozenset(table.get("custom", ())),
        layers={
            name: frozenset((first, second) for first, second in pairs) for name, pairs in layers.items()
        },
    )


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
    if requirement.supported is None:
        return f"it has no {'custom operator ' if operator.custom else ''}{operator.name}"
    if requirement.has_version:
        return f"its {operator.name} does not take {', '.join(requirement.refused_types)}"
    return f"{operator.name} version {operator.version} is needed, it has {_span(requirement.supported)}"


def _span(supported: tuple[int, int | None] | None) -> str:
    if supported is None:
        return "none"
    low, high = supported
    return f"{low} and later" if high is None else f"{low} to {high}"
