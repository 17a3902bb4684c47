"""The commands of docs/raspberry-pi.md, and what of them can run without a Raspberry Pi.

A new command of the guide is run by `make check-pi` as it stands; what cannot run there is named here, with
the reason.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "raspberry-pi.md"

ELSEWHERE = {
    r"make wheels|edge-bench bundle|scp ": "on the workstation: done before",
    r"ssh ": "there is no second machine",
    r"sudo apt install -y python3-picamera2|.*--system-site-packages": "only Raspberry Pi OS has picamera2",
    r"systemctl status|journalctl ": "no systemd runs in it",
    r".*mqtt://": "there is no broker in it",
}
"""Start of a command → why it is not run."""

REPLACED = {
    "python3 -m venv ~/edge": "rm -rf ~/edge && python3 -m venv ~/edge",
    "--camera 0": "--input frames",
    "systemctl enable --now": "systemctl enable",
    "--width 640 --height 480": "",
    "--sustained 600": "--sustained 5",
    "--out report     #": "--out report-sustained     #",
    "-m birds.tflite                       #": "-m birds.tflite --seconds 5 #",
}
"""A folder of images for the camera, short runs for long ones; no systemd starts a service there. By hand
and by the script are alternatives."""


@dataclass(frozen=True)
class GuideCommand:
    """A command of the guide.

    Attributes:
        chapter: heading that it stands under.
        text: as the guide has it, continued lines joined.
        skipped: why it is not run without a Raspberry Pi; None where it is run.
    """

    chapter: str
    text: str
    skipped: str | None = None

    def without_a_board(self) -> str:
        """The command with what stands for a camera and for long runs."""
        if "--print-service" in self.text:
            return self.text  # no camera is opened
        text = self.text
        for theirs, ours in REPLACED.items():
            text = text.replace(theirs, ours)
        return text


def guide_commands(page: Path = GUIDE) -> Iterator[GuideCommand]:
    """All commands of the shell blocks of the page, in their order."""
    for chapter in re.split(r"(?m)^## ", page.read_text(encoding="utf-8"))[1:]:
        heading = chapter.splitlines()[0]
        for block in re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                yield GuideCommand(heading, line, _reason(line))


def _reason(line: str) -> str | None:
    return next((why for start, why in ELSEWHERE.items() if re.match(start, line)), None)
