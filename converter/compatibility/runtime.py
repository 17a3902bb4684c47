"""Check whether a model runs on a runtime: its operators and versions against those of the runtime."""

import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.resources import files

from converter.compatibility.micro_interpreter import run_micro
from converter.compatibility.operators import Operator, read_demands
from edge_runtime.core import ModelError, text_table
from edge_runtime.inference import try_in_sandbox
from edge_runtime.model import ModelFile


class Runtime(StrEnum):
    """Runtimes that a model can be checked against."""

    LITERT = "litert"
    TFLITE_RUNTIME_2_14 = "tflite-runtime-2.14"
    TFLITE_RUNTIME_2_11 = "tflite-runtime-2.11"
    EDGETPU = "edgetpu"
    TFLITE_MICRO = "tflite-micro"


# Engine and package of the runtimes whose interpreter may be installed here, and how its version starts.
_INTERPRETERS = {
    Runtime.LITERT: ("litert", "ai-edge-litert", ""),
    Runtime.TFLITE_RUNTIME_2_14: ("tflite-runtime", "tflite-runtime", "2.14"),
    Runtime.TFLITE_RUNTIME_2_11: ("tflite-runtime", "tflite-runtime", "2.11"),
    Runtime.TFLITE_MICRO: ("tflite-micro", "tflite-micro", ""),
}
_HOW_TO_VERIFY = {
    Runtime.LITERT: "to verify: pip install ai-edge-litert",
    Runtime.TFLITE_RUNTIME_2_14: "to verify: edge-doctor MODEL on the device",
    Runtime.TFLITE_RUNTIME_2_11: "to verify: edge-doctor MODEL on the device",
    Runtime.EDGETPU: "to verify: the Edge TPU compiler",
    Runtime.TFLITE_MICRO: "to verify: pip install tflite-micro (Python 3.11) and check again",
}
_INTEGERS = frozenset({"INT8", "UINT8", "INT16", "INT32", "INT64", "BOOL"})
# Edge TPU computes in 8 bits (32 for biases); tflite-micro has kernels for these types and none for float16.
_TYPES = {
    Runtime.EDGETPU: frozenset({"INT8", "UINT8", "INT32"}),
    Runtime.TFLITE_MICRO: _INTEGERS | {"FLOAT32"},
}


@dataclass(frozen=True)
class Requirement:
    """One kind of operator of the model, and what the runtime has.

    Attributes:
        operator: of the model.
        supported: lowest and highest version that the runtime registers, the highest None for any;
            None where it has no such operator.
        types: pairs of activation and weight type that the runtime computes this layer with; None for any, or
            where the table does not say.
    """

    operator: Operator
    supported: tuple[int, int | None] | None
    types: frozenset[tuple[str, str]] | None = None

    @property
    def fits(self) -> bool:
        """Whether the runtime can run the operator."""
        return self.has_version and not self.refused_types

    @property
    def has_version(self) -> bool:
        """Whether the runtime registers the needed version of the operator."""
        if self.supported is None:
            return False
        low, high = self.supported
        return low <= self.operator.version and (high is None or self.operator.version <= high)

    @property
    def refused_types(self) -> tuple[str, ...]:
        """The pairs of types that the runtime does not compute this layer with."""
        if self.types is None:
            return ()
        refused = [pair for pair in self.operator.types if pair not in self.types]
        return tuple(f"{activation} activations with {weight} weights" for activation, weight in refused)


@dataclass(frozen=True)
class Fit:
    """Whether a model runs on a runtime.

    Attributes:
        runtime: the runtime.
        read_from: the release that its table was read from.
        requirements: every kind of operator of the model.
        unsupported_types: tensor types that the runtime cannot compute with.
        ran: whether the file was also loaded and run by the runtime's interpreter here.
        refusal: the error of the runtime's interpreter; empty for none.
    """

    runtime: Runtime
    read_from: str
    requirements: tuple[Requirement, ...]
    unsupported_types: tuple[str, ...]
    ran: bool = False
    refusal: str = ""

    @property
    def fits(self) -> bool:
        """Whether there is no problem."""
        return not self.problems

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it does not run, one line each."""
        lines = [_explain(each) for each in self.requirements if not each.fits]
        lines += [f"tensors of type {name} are not supported" for name in self.unsupported_types]
        lines += [self.refusal] if self.refusal else []
        return tuple(lines)

    @property
    def verdict(self) -> str:
        """The result in one line."""
        if not self.fits:
            return f"does not run on {self.runtime} ({self.read_from}): {'; '.join(self.problems)}"
        if self.ran:
            return f"runs on {self.runtime} ({self.read_from}, loaded and run here)"
        return (
            f"should run on {self.runtime} ({self.read_from}): it has every operator and version; not loaded "
            f"here, {_HOW_TO_VERIFY[self.runtime]}"
        )

    def to_table(self) -> str:
        """A table of every operator with its version and what the runtime has."""
        rows = [("operator", "version", "count", f"{self.runtime} has", "")]
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
        return text_table(rows)


def check_fit(content: bytes, runtime: Runtime, *, name: str) -> Fit:
    """Check a model; where the runtime's interpreter is installed, load and run it too.

    The table comes first: a model that it refuses is not loaded.

    Args:
        content: the bytes of a `.tflite`.
        runtime: the runtime.
        name: how messages call the model.

    Raises:
        ModelError: the file is damaged.
    """
    demands = read_demands(content, name=name)
    table = _read_table(runtime)
    requirements = tuple(table.requirement(each) for each in demands.operators)
    unsupported = tuple(sorted(demands.types - _TYPES.get(runtime, demands.types)))
    fit = Fit(runtime, table.read_from, requirements, unsupported)
    if not fit.fits or not _installed(runtime):
        return fit
    try:
        if runtime is Runtime.TFLITE_MICRO:
            run_micro(content, name=name)
        else:
            try_in_sandbox(ModelFile(content, (), None, name), _INTERPRETERS[runtime][0])
    except ModelError as error:
        return replace(fit, refusal=str(error))
    return replace(fit, ran=True)


@dataclass(frozen=True)
class _Table:
    """What a runtime has, from `runtimes/RUNTIME.json`.

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
        """One of a model's operators, and what the runtime has."""
        if operator.custom:
            return Requirement(operator, (1, None) if operator.name in self.custom else None)
        return Requirement(operator, self.operators.get(operator.name), self.layers.get(operator.name))


def _read_table(runtime: Runtime) -> _Table:
    text = (
        files("converter.compatibility").joinpath("runtimes", f"{runtime}.json").read_text(encoding="utf-8")
    )
    table = json.loads(text)
    if table["target"] != runtime:
        raise ModelError(f"the table of {runtime} is that of {table['target']}")
    layers = table.get("layers", {})
    return _Table(
        read_from=table["read_from"],
        operators={name: (low, high) for name, (low, high) in table["operators"].items()},
        custom=frozenset(table.get("custom", ())),
        layers={
            name: frozenset((first, second) for first, second in pairs) for name, pairs in layers.items()
        },
    )


def _installed(runtime: Runtime) -> bool:
    if runtime not in _INTERPRETERS:
        return False
    _engine, package, version = _INTERPRETERS[runtime]
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
