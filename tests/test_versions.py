"""`--version` of every command."""

import subprocess
from importlib.metadata import entry_points, version

import pytest

from tests.commands import BIN

COMMANDS = sorted(
    each.name
    for each in entry_points(group="console_scripts")
    if each.dist and each.dist.name == "edge-classify"
)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_version_and_says_so_in_its_help(name: str) -> None:
    done = subprocess.run([BIN / name, "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{name} {version('edge-classify')}\n", "")
    shown = subprocess.run([BIN / name, "--help"], capture_output=True, text=True, check=False).stdout
    assert "--version" in shown
