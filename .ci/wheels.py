"""Build the wheels into `dist/`: for devices, for 32-bit Raspberry Pi OS, and the workstation's part.

`edge-classify` holds what a device needs. The extra `train` adds `edge-classify-train`: the
trainer, the converter, the search and the studies, which no device runs.

A 32-bit system on a 64-bit kernel, the default of a 32-bit Raspberry Pi OS on a Pi 4 or 5, says `aarch64` to
the markers of requirements, which then ask for LiteRT, of which there is no 32-bit build. pip takes the tags
of a wheel from the Python that runs instead. So one more wheel has the tag of 32-bit ARM, which pip prefers
where it fits, and requirements that hold there whatever the kernel says.

Usage: python wheels.py [DIST]
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

TAG_32 = "py3-none-manylinux2014_armv7l"
ALWAYS, NEVER = 'python_version > "0"', 'python_version < "0"'
DEVICE, WORKSTATION = "edge-classify", "edge-classify-train"

WORKSTATION_ONLY = (
    "trainer",
    "converter",
    "benchmarks/search",
    "benchmarks/search_cli.py",
    "benchmarks/studies",
)
"""What imports TensorFlow, scikit-learn or the trainer."""


def main() -> None:
    """Build the wheels."""
    dist = Path(sys.argv[1] if len(sys.argv) > 1 else "dist")
    root = Path(__file__).parent.parent
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _run("pip", "wheel", "-q", "--no-deps", "-w", name, str(root))
        (wheel,) = folder.glob("*.whl")
        _run("wheel", "unpack", "-d", str(folder / "whole"), str(wheel))
        (whole,) = (folder / "whole").iterdir()
        dist.mkdir(parents=True, exist_ok=True)
        for change in (for_devices, for_32_bits, for_workstations):
            changed = folder / change.__name__ / whole.name
            shutil.copytree(whole, changed)
            change(changed)
            _run("wheel", "pack", "-d", str(dist), str(changed))
    for path in sorted(dist.glob("*.whl")):
        print(path)  # noqa: T201


def for_devices(wheel: Path) -> None:
    """Leave out what only a workstation runs; the extra `train` asks for it."""
    for name in WORKSTATION_ONLY:
        path = wheel / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def with_train(metadata: str) -> str:
        version = re.findall(r"(?m)^Version: (.*)$", metadata)[0]
        wanted = f'Requires-Dist: {WORKSTATION}=={version}; extra == "train"'
        return re.sub(r"(?m)^Provides-Extra: train$", rf"\g<0>\n{wanted}", metadata)

    _edit(wheel, "METADATA", with_train)


def for_32_bits(wheel: Path) -> None:
    """The device's, with requirements as if the processor were `armv7l`."""
    for_devices(wheel)
    _edit(wheel, "METADATA", lambda text: re.sub(r"""platform_machine\s*==\s*["']armv7l["']""", ALWAYS, text))
    _edit(wheel, "METADATA", lambda text: re.sub(r"""platform_machine\s*!=\s*["']armv7l["']""", NEVER, text))
    _edit(wheel, "WHEEL", lambda text: re.sub(r"(?m)^Tag: .*$", f"Tag: {TAG_32}", text))


def for_workstations(wheel: Path) -> None:
    """Only what the device's wheel left out."""
    kept = [path for name in WORKSTATION_ONLY for path in (wheel / name, *(wheel / name).rglob("*"))]
    info = _info(wheel)
    for path in sorted(wheel.rglob("*"), reverse=True):
        if path.is_file() and path not in kept and info not in path.parents:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    (info / "entry_points.txt").unlink()

    def renamed(metadata: str) -> str:
        version = re.findall(r"(?m)^Version: (.*)$", metadata)[0]
        metadata = re.sub(r"(?m)^(Requires-Dist|Provides-Extra): .*\n", "", metadata)
        return metadata.replace(
            f"Name: {DEVICE}\n", f"Name: {WORKSTATION}\nRequires-Dist: {DEVICE}=={version}\n", 1
        )

    _edit(wheel, "METADATA", renamed)
    info.rename(info.with_name(info.name.replace("edge_classify", "edge_classify_train")))


def _info(wheel: Path) -> Path:
    (info,) = wheel.glob("*.dist-info")
    return info


def _edit(wheel: Path, name: str, change: Callable[[str], str]) -> None:
    path = _info(wheel) / name
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def _run(module: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-P", "-m", module, *arguments], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own arguments


if __name__ == "__main__":
    main()
