"""The wheels: pip takes the right one for 32-bit and for 64-bit systems, whatever the kernel says."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from edge_runtime.core import engine_advice
from tests.conftest import ROOT

PI_64 = ("manylinux_2_36_aarch64", "manylinux2014_aarch64", "linux_aarch64")
PI_32 = ("manylinux_2_36_armv7l", "manylinux2014_armv7l", "linux_armv7l")


def requirements(wheel: Path, python: str, machine: str) -> dict[str, str]:
    """What a device installs: name → versions."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        lines = archive.read(name).decode().splitlines()
    prefix = "Requires-Dist: "
    all_of_them = [Requirement(line.removeprefix(prefix)) for line in lines if line.startswith(prefix)]
    place = {"python_version": python, "platform_machine": machine, "sys_platform": "linux", "extra": ""}
    return {
        each.name: str(each.specifier)
        for each in all_of_them
        if not each.marker or each.marker.evaluate(place)
    }


@pytest.mark.extra
@pytest.mark.parametrize(
    ("platforms", "tag"), [(PI_64, "py3-none-any"), (PI_32, "py3-none-manylinux2014_armv7l")]
)
def test_pip_takes_the_wheel_of_the_system(
    dist: Path, tmp_path: Path, platforms: tuple[str, ...], tag: str
) -> None:
    tags = [word for platform in platforms for word in ("--platform", platform)]
    offline = ("--no-deps", "--no-index", "--only-binary", ":all:", "--find-links", dist)
    pip = [sys.executable, "-m", "pip", "download", "-q", *offline, *tags, "--python-version", "3.11"]
    subprocess.run([*pip, "-d", tmp_path, "edge-classify"], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert tag in wheel.name


@pytest.mark.extra
def test_requirements_hold_on_a_64_bit_kernel_too(dist: Path) -> None:
    (wheel_32,) = dist.glob("*armv7l.whl")
    (wheel_64,) = dist.glob("edge_classify-*any.whl")
    for machine in ("aarch64", "armv7l"):
        found = requirements(wheel_32, "3.11", machine)
        assert found["tflite-runtime"] == "==2.14.0"
        assert "<2" in found["numpy"]
        assert "<4.12" in found["opencv-python"]
        assert "ai-edge-litert" not in found
        later = requirements(wheel_32, "3.13", machine)
        # Without an engine nothing of its company is needed either: the install has to end with our sentence.
        assert not {"tflite-runtime", "ai-edge-litert", "numpy", "opencv-python"} & set(later)
        assert "typer" in later
    found = requirements(wheel_64, "3.13", "aarch64")
    assert "ai-edge-litert" in found
    assert "tflite-runtime" not in found
    # A wheel for every machine on a 32-bit kernel.
    assert requirements(wheel_64, "3.11", "armv7l") == requirements(wheel_32, "3.11", "armv7l")


def test_the_first_start_says_which_engine_to_install() -> None:
    assert engine_advice(bits=64, python=(3, 13)) == "pip install ai-edge-litert"
    assert "tflite-runtime==2.14.0" in engine_advice(bits=32, python=(3, 11))
    assert "32-bit Python 3.13: install the 64-bit system" in engine_advice(bits=32, python=(3, 13))


@pytest.mark.extra
def test_a_device_gets_what_it_runs_and_a_workstation_the_rest(dist: Path, tmp_path: Path) -> None:
    both = {}
    for start in ("edge_classify-", "edge_classify_train-"):
        (wheel,) = dist.glob(f"{start}*any.whl")
        with zipfile.ZipFile(wheel) as archive:
            both[start] = {name for name in archive.namelist() if ".dist-info/" not in name}
    device, workstation = both.values()
    assert not device & workstation
    tree = {
        path.relative_to(ROOT).as_posix()
        for room in ("edge_runtime", "trainer", "converter", "benchmarks")
        for path in (ROOT / room).rglob("*.py")
    }
    assert {name for name in device | workstation if name.endswith(".py")} == tree
    assert {name.split("/")[0] for name in device} == {"edge_runtime", "benchmarks"}

    (wheel,) = dist.glob("edge_classify-*any.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    for name in ("edge_train", "edge_convert", "edge_check", "edge_data", "edge_label", "edge_search"):
        # Without the trainer of this checkout, which an editable install finds by its own way.
        code = f"""if True:
            import sys
            sys.meta_path = [each for each in sys.meta_path if "editable" not in each.__module__]
            sys.path.insert(0, {str(tmp_path)!r})
            from edge_runtime import start
            start.{name}()"""
        python = [sys.executable, "-P", "-c", code]
        done = subprocess.run(python, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.endswith(" is not installed: pip install 'edge-classify[train]'\n")
        assert len(done.stderr.splitlines()) == 1

    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    wanted = [line for line in lines if line.startswith("Requires-Dist: edge-classify-train")]
    assert len(wanted) == 1
    assert wanted[0].endswith('extra == "train"')
