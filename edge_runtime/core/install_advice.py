"""What to install: an engine for this Python, or a missing module; needs nothing that may be missing."""

import sys

BITS = 64 if sys.maxsize > 2**32 else 32
PYTHON = sys.version_info[:2]

LAST_32_BIT_PYTHON = (3, 11)
"""tflite-runtime 2.14.0, the last one, has no wheels for later versions; LiteRT has none of 32 bits."""

NEEDED_BY_ENGINES = ("numpy", "cv2")
"""What is not installed either where there is no engine."""


def can_have_engine(*, bits: int = BITS, python: tuple[int, int] = PYTHON) -> bool:
    """Whether there is an engine for a Python.

    Args:
        bits: of it; the kernel may have more.
        python: its version.
    """
    return bits == 64 or python <= LAST_32_BIT_PYTHON


def engine_advice(*, bits: int = BITS, python: tuple[int, int] = PYTHON) -> str:
    """How an engine is installed.

    Args:
        bits: of this Python; the kernel may have more.
        python: its version.
    """
    if bits == 64:
        return "pip install ai-edge-litert"
    if can_have_engine(bits=bits, python=python):
        return "pip install tflite-runtime==2.14.0 'numpy<2' 'opencv-python<4.12'"
    return (
        f"there is none for a 32-bit Python {python[0]}.{python[1]}: install the 64-bit system, or Python "
        f"{LAST_32_BIT_PYTHON[0]}.{LAST_32_BIT_PYTHON[1]}"
    )


def module_advice(name: str | None) -> str:
    """What to do about a module that is not installed, in one line."""
    if name in NEEDED_BY_ENGINES and not can_have_engine():
        return f"no engine can be installed: {engine_advice()}"
    return f"{name} is not installed: pip install 'edge-classify[train]'"
