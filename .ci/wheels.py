"""Build the wheels into `dist/`: one for every machine, and one for 32-bit Raspberry Pi OS.

A 32-bit system on a 64-bit kernel, the default of a 32-bit Raspberry Pi OS on a Pi 4 or 5, says `aarch64` to
the markers of requirements, which then ask for LiteRT, of which there is no 32-bit build. pip takes the tags
of a wheel from the Python that runs instead. So the second wheel has the tag of 32-bit ARM, which pip prefers
where it fits, and requirements that hold there whatever the kernel says.

Usage: python wheels.py [DIST]
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

TAG = "py3-none-manylinux2014_armv7l"
ALWAYS, NEVER = 'python_version > "0"', 'python_version < "0"'


def main() -> None:
    """Build both wheels."""
    dist = Path(sys.argv[1] if len(sys.argv) > 1 else "dist")
    root = Path(__file__).parent.parent
    with tempfile.TemporaryDirectory() as folder:
        _run("pip", "wheel", "-q", "--no-deps", "-w", folder, str(root))
        (wheel,) = Path(folder).glob("*.whl")
        dist.mkdir(parents=True, exist_ok=True)
        (dist / wheel.name).write_bytes(wheel.read_bytes())
        _run("wheel", "unpack", "-d", folder, str(wheel))
        (unpacked,) = (path for path in Path(folder).iterdir() if path.is_dir())
        (info,) = unpacked.glob("*.dist-info")
        metadata = info / "METADATA"
        metadata.write_text(for_32_bits(metadata.read_text(encoding="utf-8")), encoding="utf-8")
        tags = info / "WHEEL"
        tags.write_text(re.sub(r"(?m)^Tag: .*$", f"Tag: {TAG}", tags.read_text(encoding="utf-8")))
        _run("wheel", "pack", "-d", str(dist), str(unpacked))
    for path in sorted(dist.glob("*.whl")):
        print(path)  # noqa: T201


def for_32_bits(metadata: str) -> str:
    """The metadata of a wheel with requirements as if the processor were `armv7l`."""
    metadata = re.sub(r"""platform_machine\s*==\s*["']armv7l["']""", ALWAYS, metadata)
    return re.sub(r"""platform_machine\s*!=\s*["']armv7l["']""", NEVER, metadata)


def _run(module: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-P", "-m", module, *arguments], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own arguments


if __name__ == "__main__":
    main()
