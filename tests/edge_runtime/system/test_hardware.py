"""What the kernel says of a machine, from folders and texts."""

from pathlib import Path

import pytest

from edge_runtime.system import is_emulated, read_hardware

PI5 = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU part\t: 0xd0b

Revision\t: c04170
Serial\t\t: 0000000000000000
Model\t\t: Raspberry Pi 5 Model B Rev 1.0
"""
PI_KERNEL = "Linux version 6.6.31+rpt-rpi-2712 (serge@raspberrypi.com) (gcc-12 (Debian 12.2.0-14))"
X86 = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R)\n"
X86_KERNEL = "Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14))"


@pytest.mark.parametrize(
    ("cpuinfo", "kernel", "environment", "machine", "expected"),
    [
        (PI5, PI_KERNEL, {}, "aarch64", False),
        (PI5, PI_KERNEL, {}, "armv7l", False),
        (X86, X86_KERNEL, {}, "x86_64", False),
        # QEMU as of Debian bookworm shows the host's file, later versions one of their own.
        (X86, PI_KERNEL, {}, "aarch64", True),
        ("processor\t: 0\nCPU implementer\t: 0x41\n", X86_KERNEL, {}, "aarch64", True),
        ("processor\t: 0\nmodel name\t: QEMU Virtual CPU\n", "", {}, "armv7l", True),
        (PI5, PI_KERNEL, {"QEMU_CPU": "cortex-a72"}, "aarch64", True),
        (X86, X86_KERNEL, {"QEMU_CPU": "cortex-a72"}, "x86_64", False),
    ],
)
def test_an_emulated_processor_is_known(
    cpuinfo: str, kernel: str, environment: dict[str, str], machine: str, expected: bool
) -> None:
    assert is_emulated(cpuinfo, kernel, environment, machine) == expected


def test_temperature_clock_and_throttling_are_read(tmp_path: Path) -> None:
    files = {
        "class/thermal/thermal_zone0/temp": "48300\n",
        "class/thermal/thermal_zone1/temp": "51250\n",
        "devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
        "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "2400000\n",
        "devices/platform/soc/soc:firmware/get_throttled": "50005\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    found = read_hardware(tmp_path)
    assert (found.temperature, found.governor, found.megahertz) == (51.25, "ondemand", 2400.0)
    assert found.throttled_by == ("under-voltage", "throttled")
    assert found.throttle_count is None


def test_what_is_not_reported_is_none(tmp_path: Path) -> None:
    found = read_hardware(tmp_path)
    assert (found.temperature, found.throttle_count, found.throttled_by) == (None, None, None)
    assert (found.governor, found.megahertz) == (None, None)
