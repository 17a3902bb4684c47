"""numpy and OpenCV of Debian as wheels, for processors of which the package index has none (piwheels has).

They are Debian's own builds with their own versions; only the form differs.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.pi.debian_root import DebianRoot

PACKAGES = ("python3-numpy", "python3-opencv")
"""To be in the system: the wheels need the shared libraries that come with them."""


def write_debian_wheels(root: DebianRoot) -> None:
    """Write wheels of numpy, opencv-python and opencv-python-headless into the user's folder."""
    installed = root.folder / "usr/lib/python3/dist-packages"
    tag = _tag(root)
    numpy = _version(root, "python3-numpy")
    opencv = _version(root, "python3-opencv")
    _pack(root.home, "numpy", numpy, tag, [installed / "numpy"])
    for name in ("opencv_python", "opencv_python_headless"):
        _pack(root.home, name, opencv, tag, list(installed.glob("cv2*.so")))


def _tag(root: DebianRoot) -> str:
    """Of wheels for the system's Python, such as `cp311-cp311-linux_armv7l`."""
    (library,) = (root.folder / "usr/lib").glob("python3.*")
    python = library.name.replace("python", "cp").replace(".", "")
    return f"{python}-{python}-linux_armv7l"


def _version(root: DebianRoot, package: str) -> str:
    """The version without Debian's own part: `1:1.24.2-1+deb12u1` is 1.24.2."""
    answer = root.run(f"dpkg-query -W -f '${{Version}}' {package}").stdout
    return re.findall(r"^(?:\d+:)?([0-9.]+)", answer.strip())[0]


def _pack(home: Path, name: str, version: str, tag: str, content: list[Path]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        info = Path(folder) / f"{name}-{version}.dist-info"
        info.mkdir()
        for path in content:
            target = Path(folder) / path.name
            shutil.copytree(path, target, symlinks=True) if path.is_dir() else shutil.copy(path, target)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "WHEEL").write_text(
            f"Wheel-Version: 1.0\nGenerator: check-pi\nRoot-Is-Purelib: false\nTag: {tag}\n"
        )
        subprocess.run([sys.executable, "-m", "wheel", "pack", "-d", home, folder], check=True)
