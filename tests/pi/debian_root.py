"""A Debian system in a folder, run under QEMU: the real wheels of another processor, without a board."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MIRROR = "http://deb.debian.org/debian"
PACKAGES = ("python3", "sudo", "adduser", "systemd", "ca-certificates")
"""What the system of a Raspberry Pi has before anything is installed."""

PROCESSORS = {"arm64": "cortex-a72", "armhf": "cortex-a15"}
"""QEMU's default for arm64 has instructions that crash LiteRT; a Cortex-A72 is a Raspberry Pi 4's."""

HOME = Path("/home/pi")


@dataclass(frozen=True)
class DebianRoot:
    """A Debian system in a folder.

    Attributes:
        architecture: Debian's name of the processor: `arm64`, `armhf`.
        folder: holds the system; its name is shown.
    """

    architecture: str
    folder: Path

    @property
    def home(self) -> Path:
        """The user's folder, seen from outside."""
        return self.folder / HOME.relative_to("/")

    def run(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Run a shell command in the user's folder; show it and what it prints, errors among it.

        It runs as root: sudo is there and has nothing to ask.
        """
        print(f"[{self.folder.name}] $ {command}", flush=True)  # noqa: T201
        environment = {
            "HOME": str(HOME),
            "USER": "pi",
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "QEMU_CPU": PROCESSORS[self.architecture],
            "DEBIAN_FRONTEND": "noninteractive",
            "SYSTEMD_OFFLINE": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "PIP_DEFAULT_TIMEOUT": "180",
        }
        if "PIP_CERT" in os.environ:
            environment["PIP_CERT"] = "/certificates.pem"
        process = subprocess.Popen(
            ["chroot", self.folder, "sh", "-c", f"cd {HOME} && {command}"],
            env=environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            print(line, end="", flush=True)  # noqa: T201
        return subprocess.CompletedProcess(command, process.wait(), "".join(lines))


@contextmanager
def fresh_root(release: str, architecture: str, packages: Sequence[str], build: Path) -> Iterator[DebianRoot]:
    """A system as it is before anything of ours was installed; kept as an archive for the next time.

    Args:
        release: such as `bookworm`.
        architecture: Debian's name of the processor.
        packages: beside those that every system has.
        build: folder for the archive and the system.
    """
    root = DebianRoot(architecture, build / f"{release}-{architecture}")
    archive = build / f"{root.folder.name}.tar"
    build.mkdir(parents=True, exist_ok=True)
    if not archive.exists():
        part = build / f"{root.folder.name}.part.tar"
        wanted = ",".join((*PACKAGES, *packages))
        options = (f"--architectures={architecture}", "--variant=minbase", f"--include={wanted}")
        subprocess.run(["mmdebstrap", *options, release, part, MIRROR], check=True)
        part.rename(archive)
    proc = root.folder / "proc"
    if proc.is_mount():  # of a check that was killed
        subprocess.run(["umount", "--lazy", proc], check=True)
    shutil.rmtree(root.folder, ignore_errors=True)
    root.folder.mkdir()
    subprocess.run(["tar", "-xpf", archive, "-C", root.folder], check=True)
    shutil.copyfile("/etc/resolv.conf", root.folder / "etc/resolv.conf")
    # A mirror may be a copy of some day.
    (root.folder / "etc/apt/apt.conf.d/99mirror").write_text('Acquire::Check-Valid-Until "false";\n')
    if "PIP_CERT" in os.environ:
        shutil.copyfile(os.environ["PIP_CERT"], root.folder / "certificates.pem")
    # systemctl writes links and asks no systemd, sudo passes that on; sudo asks for the machine's name.
    (root.folder / "etc/sudoers.d/check").write_text('Defaults env_keep += "SYSTEMD_OFFLINE PIP_*"\n')
    (root.folder / "etc/hosts").write_text(f"127.0.0.1 localhost {os.uname().nodename}\n")
    # Memory and processor are read from /proc.
    subprocess.run(["mount", "-t", "proc", "proc", proc], check=True)
    try:
        root.home.mkdir(parents=True)
        root.run("useradd pi")
        yield root
    finally:
        # Lazily: a daemon that a package started may still have a file of it open.
        subprocess.run(["umount", "--lazy", proc], check=True)
