"""`make check-pi`: what docs/raspberry-pi.md says, done in Debian systems for a Pi's processors, under QEMU.

In each system, bare at first: `install.sh`, a first answer, `--uninstall`; then the commands of the guide, in
their order; then the labels of images and a benchmark with a bundle are compared with this machine.
Speed says nothing there, and no time is shown.

Needs root, and: apt install mmdebstrap qemu-user-static binfmt-support (with binfmt_misc mounted)

Usage: python -m tests.pi.check MODEL.tflite RUN [SYSTEM …]      such as bookworm-arm64; all without one
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edge_runtime import encode_png, read_run
from edge_runtime.core import cache_folder
from tests.conftest import BIN, ROOT
from tests.pi.debian_root import DebianRoot, fresh_root
from tests.pi.debian_wheels import PACKAGES, write_debian_wheels
from tests.pi.guide import guide_commands

BUILD = cache_folder("check-pi")
"""Not in the checkout: setuptools would walk through the whole systems when it builds a wheel."""

QUICK = ("--num-runs", "20", "--min-seconds", "0", "--processes", "1")
SAME_ANSWERS = 0.998
"""Of the answers on the bundle's images, beside this machine's with the same engine."""

CLASSIFY = "{bin}/edge-classify -m birds.tflite --input frames -k 1 {options}"


@dataclass(frozen=True)
class System:
    """A system to check.

    Attributes:
        release: of Debian.
        architecture: Debian's name of the processor.
        engine: that the guide installs there; None where no engine exists.
        also: more engines, installed by their extra.
        packages: beside those of every system.
    """

    release: str
    architecture: str
    engine: str | None
    also: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Such as `bookworm-arm64`."""
        return f"{self.release}-{self.architecture}"


SYSTEMS = (
    System("bookworm", "arm64", "litert", also=("tflite-runtime",)),
    System("trixie", "arm64", "litert"),
    System("bookworm", "armhf", "tflite-runtime", packages=PACKAGES),
    System("trixie", "armhf", None),
)


@dataclass
class Findings:
    """What did not hold."""

    failures: list[str] = field(default_factory=list)

    def expect(self, holds: bool, what: str) -> None:
        """Note what does not hold, and go on."""
        if not holds:
            self.failures.append(what)
            print(f"FAILED: {what}", flush=True)  # noqa: T201

    def run(self, root: DebianRoot, command: str) -> str:
        """Run a command that has to end with exit code 0; what it printed."""
        done = root.run(command)
        self.expect(done.returncode == 0, f"{root.folder.name}: exit code {done.returncode}: {command}")
        return done.stdout


def main() -> None:
    """Check the systems that are named."""
    model, run, *names = sys.argv[1:]
    chosen = [system for system in SYSTEMS if not names or system.name in names]
    files = BUILD / "files"
    _write_files(files, Path(model), Path(run))
    findings = Findings()
    for system in chosen:
        with fresh_root(system.release, system.architecture, system.packages, BUILD) as root:
            shutil.copytree(files, root.home, dirs_exist_ok=True)
            check_system(system, root, findings)
    for failure in findings.failures:
        print(f"check-pi: {failure}")  # noqa: T201
    if findings.failures:
        sys.exit(1)
    print(f"check-pi passed: {', '.join(system.name for system in chosen)}")  # noqa: T201


def check_system(system: System, root: DebianRoot, findings: Findings) -> None:
    """Install twice, by the script and by the guide, and compare with this machine."""
    if system.packages:
        write_debian_wheels(root)
    if system.engine is None:
        _check_refusal(root, findings)
        return
    _check_script(root, findings)
    if system.architecture == "armhf":
        with _64_bit_kernel(root):
            _check_script(root, findings)
    for command in guide_commands():
        if command.skipped:
            print(f"[{system.name}] not run, {command.skipped}: {command.text}", flush=True)  # noqa: T201
        else:
            findings.run(root, command.without_a_board())
    _compare(system.engine, root.home / "report", root, findings)
    for engine in system.also:
        findings.run(root, "rm -rf ~/edge && python3 -m venv ~/edge")
        findings.run(root, f"~/edge/bin/pip install -q --find-links . 'edge-classify[{engine}]'")
        findings.run(root, f"~/edge/bin/edge-classify -m birds.tflite --engine {engine} --self-test")
        _check_labels(root, "~/edge/bin", f"--engine {engine}", findings)
        bench = f"~/edge/bin/edge-bench run birds.bundle.zip --engine {engine} {' '.join(QUICK)}"
        findings.run(root, f"{bench} --out report-{engine}")
        _compare(engine, root.home / f"report-{engine}", root, findings)


def _check_script(root: DebianRoot, findings: Findings) -> None:
    """`install.sh` takes the bare system to an answer, and leaves nothing."""
    service = '--service "--camera 0 --on-change"'
    said = findings.run(root, f"sh install.sh --wheels . --model birds.tflite {service} --yes")
    findings.expect("self-test: 4 of 4" in said, f"{root.folder.name}: install.sh runs the self-test")
    unit = root.folder / "etc/systemd/system/edge-classify.service"
    findings.expect(unit.exists(), f"{root.folder.name}: install.sh installs the service")
    enabled = root.run("systemctl is-enabled edge-classify").stdout.strip()
    findings.expect(enabled == "enabled", f"{root.folder.name}: the service is enabled, {enabled}")
    findings.run(root, "du -sm ~/edge")
    _check_labels(root, "~/edge/bin", "", findings)
    findings.run(root, "sh install.sh --uninstall --yes")
    findings.expect(
        not (root.home / "edge").exists(), f"{root.folder.name}: --uninstall leaves the environment"
    )
    findings.expect(not unit.exists(), f"{root.folder.name}: --uninstall leaves the service")


def _check_refusal(root: DebianRoot, findings: Findings) -> None:
    """Without an engine `install.sh` installs nothing, pip installs, and the first start says what to do."""
    advice = "install the 64-bit system"

    def refused(command: str, exit_code: int) -> None:
        done = root.run(command)
        what = f"{root.folder.name}: exit code {exit_code} and {advice!r}, not {done.returncode}: {command}"
        findings.expect(done.returncode == exit_code and advice in done.stdout, what)
        findings.expect("Traceback" not in done.stdout, f"{root.folder.name}: no traceback: {command}")

    with _64_bit_kernel(root):
        refused("sh install.sh --wheels . --model birds.tflite --yes", 2)
    refused("sh install.sh --wheels . --model birds.tflite --yes", 2)
    findings.expect(not (root.home / "edge").exists(), f"{root.folder.name}: install.sh leaves nothing")
    findings.run(root, "apt-get update -q && apt-get install -y -q python3-venv && python3 -m venv ~/edge")
    findings.run(root, "~/edge/bin/pip install -q --find-links . edge-classify")
    refused(CLASSIFY.format(bin="~/edge/bin", options=""), 2)
    refused("~/edge/bin/edge-doctor birds.tflite", 9)


class _64_bit_kernel:  # noqa: N801
    """While it lasts, Python hears `aarch64` from the kernel, as a 32-bit system does on a Pi 4 or 5."""

    def __init__(self, root: DebianRoot) -> None:
        (self._file,) = (root.folder / "etc").glob("python3.*/sitecustomize.py")
        self._before = self._file.read_text()

    def __enter__(self) -> None:
        self._file.write_text(
            "import os\n_uname = os.uname()\nos.uname = lambda: os.uname_result((*_uname[:4], 'aarch64'))\n"
        )

    def __exit__(self, *_: object) -> None:
        self._file.write_text(self._before)


def _check_labels(root: DebianRoot, bin_folder: str, options: str, findings: Findings) -> None:
    """The same labels as here."""
    there = findings.run(root, CLASSIFY.format(bin=bin_folder, options=options))
    here = subprocess.run(
        CLASSIFY.format(bin=BIN, options="").split(),
        capture_output=True,
        text=True,
        check=True,
        cwd=BUILD / "files",
    ).stdout
    findings.expect(
        _labels(there) == _labels(here) != [],
        f"{root.folder.name}: the labels of the frames are this machine's",
    )


def _labels(answers: str) -> list[tuple[str, str]]:
    """`folder/image.png: label 0.98 (3.1 ms)` → image and label."""
    return re.findall(r"(?m)([^/\n]+): (\S+) [0-9.]+ \([0-9.]+ ms\)$", answers)


def _compare(engine: str, report: Path, root: DebianRoot, findings: Findings) -> None:
    """The benchmark's answers beside those of this machine with the same engine."""
    here, merged = BUILD / f"report-{engine}", BUILD / f"merged-{root.folder.name}-{engine}"
    if not (here / "report.json").exists():
        run = [_bin_with(engine) / "edge-bench", "run", BUILD / "files/birds.bundle.zip", "--engine", engine]
        subprocess.run([*run, *QUICK, "--out", here], check=True)
    merge = [BIN / "edge-bench", "merge", here / "report.json", report / "report.json", "--out", merged]
    if subprocess.run(merge, check=False).returncode:
        findings.expect(False, f"{root.folder.name}: its report with {engine} can be merged")
        return
    rows = json.loads((merged / "merged.json").read_text())["rows"]
    emulated = [row for row in rows if row["machine"]["emulated"]]
    findings.expect(
        bool(emulated) and all(row["p50"] is None for row in emulated),
        f"{root.folder.name}: an emulated processor has no times",
    )
    for row in emulated:
        share = f"{row['same_answers']:.4f} of {row['images']} answers are this machine's"
        what = f"{root.folder.name}, {row['engine']}: {share}"
        print(what, flush=True)  # noqa: T201
        findings.expect(row["same_answers"] >= SAME_ANSWERS, f"{what}, at least {SAME_ANSWERS} are wanted")


def _bin_with(engine: str) -> Path:
    """Where the engine is on this machine; tflite-runtime needs another numpy, an environment of its own."""
    if engine == "litert":
        return BIN
    folder = BUILD / f"here-{engine}"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin/python", "-m", "pip", "install", "-q", "--find-links", BUILD / "files"]
    subprocess.run([*pip, f"edge-classify[{engine}]"], check=True)
    return folder / "bin"


def _write_files(folder: Path, model: Path, run: Path) -> None:
    """What the guide has you make on the workstation, and frames for want of a camera."""
    for old in (folder, *BUILD.glob("report-*"), *BUILD.glob("merged-*")):
        shutil.rmtree(old, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run([sys.executable, "-P", ROOT / ".ci" / "wheels.py", folder], check=True)
    shutil.copy(ROOT / "install.sh", folder)
    shutil.copy(model, folder / "birds.tflite")
    shutil.copytree(run / "examples", folder / "frames")
    for label, name, image in _in_nine_brightnesses(run):
        (folder / "brightness" / label).mkdir(parents=True, exist_ok=True)
        (folder / "brightness" / label / name).write_bytes(encode_png(image))
    bundle = [
        BIN / "edge-bench",
        "bundle",
        run,
        "--data",
        folder / "brightness",
        "--model",
        folder / "birds.tflite",
    ]
    subprocess.run([*bundle, *QUICK, "--out", folder / "birds.bundle.zip"], check=True)
    shutil.rmtree(folder / "brightness")


def _in_nine_brightnesses(run: Path) -> Iterator[tuple[str, str, np.ndarray]]:
    """Label, file name and image: the demo's 269 test images are too few to see 2 of 1,000 answers differ."""
    whole = read_run(run)
    data = whole.open_data()
    for number, sample in enumerate(whole.split("test")):
        image = data.read(sample.file)
        for percent in range(92, 109, 2):
            changed = np.clip(image * (percent / 100), 0, 255).round().astype(np.uint8)
            yield sample.label, f"{number}_{percent}.png", changed


if __name__ == "__main__":
    main()
