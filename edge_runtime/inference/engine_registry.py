"""The engines by name: their modules and packages, which are installed, and their versions."""

import importlib.util
import sys
from collections.abc import Mapping
from types import MappingProxyType

from edge_runtime.core import MissingLibraryError, UsageError, installed_versions

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


PYTHON = sys.version_info[:2]
LAST_32_BIT_PYTHON = (3, 11)
"""tflite-runtime 2.14.0, the last one, has no wheels for later versions."""


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


def engine_advice(*, bits: int = 64 if sys.maxsize > 2**32 else 32, python: tuple[int, int] = PYTHON) -> str:
    """How an engine is installed here.

    Args:
        bits: of this Python; the kernel may have more.
        python: its version.
    """
    if bits == 64:
        return f"pip install {DISTRIBUTIONS['litert']}"
    if python <= LAST_32_BIT_PYTHON:
        return "pip install tflite-runtime==2.14.0 'numpy<2' 'opencv-python<4.12'"
    return (
        f"there is none for a 32-bit Python {python[0]}.{python[1]}: install the 64-bit system, or Python "
        f"{LAST_32_BIT_PYTHON[0]}.{LAST_32_BIT_PYTHON[1]}"
    )


def engine_version(name: str) -> str:
    """The installed version of an engine; `unknown` if no package manager installed it."""
    return installed_versions(DISTRIBUTIONS[name]).get(DISTRIBUTIONS[name], "unknown")
