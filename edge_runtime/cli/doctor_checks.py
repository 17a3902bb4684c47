"""The checks of `edge-doctor`: each finding is a line with its remedy."""

import importlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.core import (
    EdgeError,
    ModelError,
    can_have_engine,
    engine_advice,
    installed_versions,
    one_line,
)
from edge_runtime.system import default_threads, read_hardware, read_text

if TYPE_CHECKING:
    from edge_runtime.sources import Camera

HOT = 75.0
MIN_DISK = 200 * 1024**2

_PACKAGE_OF_LIBRARY = {
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxcb.so.1": "libxcb1",
    "libX11.so.6": "libx11-6",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libXext.so.6": "libxext6",
    "libXrender.so.1": "libxrender1",
    "libatlas.so.3": "libatlas3-base",
    "libcblas.so.3": "libatlas3-base",
    "libopenblas.so.0": "libopenblas0",
}


class Level(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One line of the checks.

    Attributes:
        topic: what was checked.
        level: how serious it is.
        text: what was found.
        remedy: what to do; empty for nothing.
    """

    topic: str
    level: Level
    text: str
    remedy: str = ""


Check = Callable[[], Iterator[Finding]]


def examine(model: Path | None = None) -> list[Finding]:
    """Run all checks. None needs OpenCV, numpy or an interpreter to be importable.

    Args:
        model: a model file to check on this machine.
    """
    checks: list[Check] = [
        _python, _numpy, _opencv, _engines, _cameras, _processor, _hardware, _memory_and_disk, _extras,
    ]  # fmt: skip
    findings = [finding for check in checks for finding in _safely(check, check.__name__.strip("_"))]
    if model is not None:
        findings += _safely(lambda: _model(model), "model")
    return findings


def to_json(findings: list[Finding]) -> str:
    """The findings as a JSON object with the key `findings`."""
    return json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=2, ensure_ascii=False)


def _safely(check: Check, topic: str) -> list[Finding]:
    """Run a check; if it fails, that is a finding too."""
    try:
        return list(check())
    except Exception as error:  # noqa: BLE001 - a machine can be broken in any way
        return [Finding(topic, Level.WARNING, f"could not be checked: {_first_line(error)}")]


def _python() -> Iterator[Finding]:
    bits = "64-bit" if sys.maxsize > 2**32 else "32-bit"
    text = f"Python {platform.python_version()} ({bits}) on {platform.system()} {platform.machine()}"
    if not can_have_engine():
        yield Finding("python", Level.PROBLEM, f"{text}: no engine can be installed", engine_advice())
        return
    if bits == "32-bit" and platform.machine() in ("aarch64", "x86_64"):
        yield Finding(
            "python",
            Level.WARNING,
            f"{text}: a 32-bit Python on a 64-bit kernel",
            "LiteRT has no 32-bit build, and pip may ask for it: install the wheel for armv7l, or the 64-bit "
            "system",
        )
        return
    yield Finding("python", Level.OK, text)


def _numpy() -> Iterator[Finding]:
    try:
        numpy = importlib.import_module("numpy")
    except ImportError as error:
        remedy = _remedy(str(error)) or "pip install --force-reinstall numpy"
        yield Finding("numpy", Level.PROBLEM, f"cannot be imported: {_first_line(error)}", remedy)
        return
    from edge_runtime.inference import installed_engines

    version = str(numpy.__version__)
    needs_old = "tflite-runtime" in installed_engines() and "litert" not in installed_engines()
    if needs_old and int(version.partition(".")[0]) >= 2:
        yield Finding(
            "numpy",
            Level.PROBLEM,
            f"numpy {version}, but tflite-runtime was built for numpy 1",
            "pip install 'numpy<2' 'opencv-python<4.12'",
        )
        return
    yield Finding("numpy", Level.OK, f"numpy {version}")


def _opencv() -> Iterator[Finding]:
    try:
        from edge_runtime.images import opencv

        cv2 = opencv()
    except (EdgeError, ImportError) as error:
        reason = _first_line(error.__cause__ or error)
        remedy = _remedy(reason) or "pip install opencv-python, or opencv-python-headless"
        yield Finding("opencv", Level.PROBLEM, f"cannot be imported: {reason}", remedy)
        return
    build = cv2.getBuildInformation()
    parts = {name: _build_has(build, name) for name in ("V4L/V4L2", "FFMPEG", "GStreamer")}
    text = f"OpenCV {cv2.__version__}: " + ", ".join(
        f"{name} {'yes' if has else 'no'}" for name, has in parts.items()
    )
    if not parts["V4L/V4L2"] or not parts["FFMPEG"]:
        affected = "cameras" if not parts["V4L/V4L2"] else "videos and network streams"
        yield Finding("opencv", Level.WARNING, text, f"{affected} will not open: pip install opencv-python")
        return
    yield Finding("opencv", Level.OK, text)


def _engines() -> Iterator[Finding]:
    from edge_runtime.inference import DISTRIBUTIONS, MODULES, installed_engines

    for name in installed_engines():
        try:
            importlib.import_module(MODULES[name])
        except (ImportError, AttributeError) as error:
            remedy = _remedy(str(error)) or f"pip install --force-reinstall {DISTRIBUTIONS[name]}"
            yield Finding("engine", Level.PROBLEM, f"{name} cannot be imported: {_first_line(error)}", remedy)
            continue
        version = installed_versions(DISTRIBUTIONS[name]).get(DISTRIBUTIONS[name], "of unknown version")
        yield Finding("engine", Level.OK, f"{name} {version}")
    if not installed_engines():
        yield Finding("engine", Level.PROBLEM, "none is installed", engine_advice())


def _cameras() -> Iterator[Finding]:
    from edge_runtime.sources import list_cameras

    cameras = list_cameras()
    for camera in cameras:
        yield _camera(camera)
    if importlib.util.find_spec("picamera2"):
        yield Finding("camera", Level.OK, "picamera2 is installed: --camera picamera2")
    elif not cameras:
        yield Finding(
            "camera",
            Level.WARNING,
            "no /dev/video*, no picamera2",
            "plug in a USB camera; for a Raspberry Pi camera `sudo apt install python3-picamera2`, and a "
            "virtual environment made with --system-site-packages",
        )


def _camera(camera: "Camera") -> Finding:
    text = f"{camera.path}: {camera.title}"
    if camera.stable:
        text += f", always found as {camera.stable}"
    if not os.access(camera.path, os.R_OK | os.W_OK):
        return Finding("camera", Level.PROBLEM, f"{text}: no permission", "sudo usermod -aG video $USER")
    modes = _modes(camera.path)
    return Finding("camera", Level.OK, f"{text}; {modes}" if modes else text)


def _modes(path: Path) -> str:
    """The sizes that a camera offers, as v4l2-ctl lists them; empty where it is not installed."""
    tool = shutil.which("v4l2-ctl")
    if not tool:
        return ""
    done = subprocess.run(  # noqa: S603 - a fixed program, no shell
        [tool, "--device", str(path), "--list-formats-ext"],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    modes: dict[str, list[str]] = {}
    pixel_format = ""
    for line in done.stdout.splitlines():
        if found := re.search(r"'(\w{4})'", line):
            pixel_format = found[1]
        if found := re.search(r"Size: \w+ (\d+x\d+)", line):
            modes.setdefault(pixel_format, []).append(found[1])
    return "; ".join(f"{name} {' '.join(sizes)}" for name, sizes in modes.items())


def _processor() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0))
    yield Finding("processor", Level.OK, f"{cores} cores, the model runs on up to {default_threads()}")
    governor = read_hardware().governor
    if governor in ("powersave", "conservative"):
        yield Finding(
            "processor",
            Level.WARNING,
            f"the frequency governor is {governor}: latencies are longer than necessary",
            "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor",
        )
    elif governor:
        yield Finding("processor", Level.OK, f"frequency governor {governor}")


def _hardware() -> Iterator[Finding]:
    hardware = read_hardware()
    if hardware.throttled_by:
        yield Finding(
            "hardware",
            Level.PROBLEM,
            f"throttled now: {', '.join(hardware.throttled_by)}",
            "a stronger power supply" if "under-voltage" in hardware.throttled_by else "a heat sink or a fan",
        )
    if hardware.temperature is not None:
        hot = hardware.temperature >= HOT
        yield Finding(
            "hardware",
            Level.WARNING if hot else Level.OK,
            f"{hardware.temperature:.0f} °C",
            "a heat sink or a fan" if hot else "",
        )


def _memory_and_disk() -> Iterator[Finding]:
    found = re.search(r"MemAvailable:\s+(\d+) kB", read_text(Path("/proc/meminfo")) or "")
    if found:
        free = int(found[1]) // 1024
        level = Level.OK if free >= 150 else Level.WARNING
        remedy = "" if level is Level.OK else "edge-classify needs about 150 MiB with a camera"
        yield Finding("memory", level, f"{free} MiB available", remedy)
    space = shutil.disk_usage(Path.cwd())
    full = space.free < MIN_DISK
    yield Finding(
        "disk",
        Level.WARNING if full else Level.OK,
        f"{space.free // 1024**2} MiB free in {Path.cwd()}",
        "free some space, or write results elsewhere" if full else "",
    )


def _extras() -> Iterator[Finding]:
    extras = {"mqtt": ("paho-mqtt",), "web": ("aiohttp", "prometheus-client")}
    for extra, packages in extras.items():
        versions = installed_versions(*packages)
        if len(versions) == len(packages):
            text = ", ".join(f"{name} {version}" for name, version in versions.items())
            yield Finding("extra", Level.OK, f"{extra}: {text}")
        else:
            yield Finding(
                "extra",
                Level.OK,
                f"{extra}: not installed",
                f"if wanted: pip install {' '.join(packages)}",
            )


def _model(path: Path) -> Iterator[Finding]:
    from edge_runtime.inference import engine_version, load_model, run_self_test
    from edge_runtime.model import read_model_file

    try:
        file = read_model_file(path)
        classifier = load_model(file).classifier
    except EdgeError as error:
        remedy = "edge-check names operators that a runtime lacks" if isinstance(error, ModelError) else ""
        yield Finding("model", Level.PROBLEM, str(error), remedy)
        return
    height, width = classifier.size
    name = classifier.engine.name
    size = len(file.content) / 1e6
    text = f"{path}: {size:.1f} MB, {len(file.labels)} labels, {width}x{height} pixels, runs on "
    yield Finding("model", Level.OK, f"{text}{name} {engine_version(name)}")
    if file.card is None or not file.card.golden:
        yield Finding("model", Level.OK, "no golden samples inside: --self-test cannot compare")
        return
    outcome = run_self_test(file, classifier)
    yield Finding(
        "model",
        Level.OK if outcome.passed else Level.PROBLEM,
        f"self-test: {outcome.agreeing} of {outcome.samples} golden samples have the same label",
        "" if outcome.passed else "convert it again, or try another --engine",
    )


def _build_has(build: str, name: str) -> bool:
    return bool(re.search(rf"^\s*{re.escape(name)}:\s+YES", build, re.MULTILINE | re.IGNORECASE))


def _remedy(reason: str) -> str:
    """The apt package that holds a shared library that is missing."""
    found = re.search(r"(lib[\w+.-]+\.so[\w.]*)", reason)
    if not found:
        return ""
    package = _PACKAGE_OF_LIBRARY.get(found[1])
    return f"sudo apt install {package}" if package else f"install the system library {found[1]}"


def _first_line(error: object) -> str:
    return one_line(error)[:200]
