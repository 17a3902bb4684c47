"""The engines by name: their modules and packages, which are installed, and their versions."""

import importlib.util
from collections.abc import Mapping
from types import MappingProxyType

from edge_runtime.core import MissingLibraryError, UsageError, engine_advice, installed_versions

MODULES: Mapping[str, str] = MappingProxyType(
    {
        "litert": "ai_edge_litert.interpreter",
        "tflite-runtime": "tflite_runtime.interpreter",
        "openvino": "openvino",
    }
)
"""Engine name → the module that runs it, in order of preference."""

DISTRIBUTIONS: Mapping[str, str] = MappingProxyType(
    {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime", "openvino": "openvino"}
)
"""Engine name → the package that installs it."""


def installed_engines() -> tuple[str, ...]:
    """The engines that are installed, the preferred one first; none is imported."""
    return tuple(name for name, module in MODULES.items() if importlib.util.find_spec(module.split(".")[0]))


def choose_engine(name: str | None = None) -> str:
    """The engine to use: the one named, else the first installed.

    Raises:
        UsageError: no engine of that name.
        MissingLibraryError: it is not installed, or none is.
    """
    if name is not None and name not in MODULES:
        raise UsageError(f"no engine is called {name!r}; the engines are {', '.join(MODULES)}")
    installed = installed_engines()
    wanted = name or next(iter(installed), "litert")
    if wanted not in installed:
        advice = f"pip install {DISTRIBUTIONS[name]}" if name else engine_advice()
        raise MissingLibraryError(f"the engine {wanted} is not installed: {advice}")
    return wanted


def engine_version(name: str) -> str:
    """The installed version of an engine; `unknown` if no package manager installed it."""
    return installed_versions(DISTRIBUTIONS[name]).get(DISTRIBUTIONS[name], "unknown")
