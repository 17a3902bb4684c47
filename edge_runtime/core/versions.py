"""Versions of the installed packages."""

import platform
from importlib import metadata

PACKAGE = "edge-classify"
"""The package of the device's commands; the workstation's has the same version."""

TOOLKIT_PACKAGES = (
    PACKAGE, "tensorflow", "keras", "ai-edge-litert", "tflite-runtime", "openvino", "numpy",
    "opencv-python", "opencv-python-headless",
)  # fmt: skip
"""The packages that scores and times depend on."""


def installed_versions(*packages: str) -> dict[str, str]:
    """The versions of those packages that are installed here."""
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def toolkit_versions() -> dict[str, str]:
    """The versions of Python and of the installed `TOOLKIT_PACKAGES`."""
    return {"python": platform.python_version(), **installed_versions(*TOOLKIT_PACKAGES)}
