"""What `make check-pi` takes out of the guide for the Pi: nothing is overlooked, and its options exist."""

import re
import shlex
import subprocess

from tests.commands import BIN
from tests.pi.guide import ELSEWHERE, REPLACED, guide_commands


def test_each_command_is_run_or_there_is_a_reason() -> None:
    commands = list(guide_commands())
    run = [command.without_a_board() for command in commands if not command.skipped]
    assert len(run) >= 15
    assert any(line.startswith("sh install.sh") for line in run)
    assert any("pip install" in line for line in run)
    assert not any("--camera" in line for line in run if "--print-service" not in line)


def test_no_rule_is_left_over_from_an_earlier_guide() -> None:
    commands = list(guide_commands())
    for start in ELSEWHERE:
        assert any(re.match(each, command.text) for command in commands for each in start.split("|")), start
    for theirs in REPLACED:
        assert any(theirs in command.text for command in commands if not command.skipped), theirs


def test_the_options_of_the_guide_exist() -> None:
    helps: dict[tuple[str, ...], str] = {}
    for command in guide_commands():
        for part in re.findall(r"(?:bin/|^)(edge-(?:classify|bench|doctor) [^|#]*)", command.text):
            words = shlex.split(part)
            name = tuple(words[:2]) if words[0] == "edge-bench" else (words[0],)
            if name not in helps:
                done = subprocess.run(
                    [BIN / name[0], *name[1:], "--help"], capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, name
                helps[name] = done.stdout
            for option in (word for word in words if word.startswith("--")):
                assert option in helps[name], f"{command.text}: {option}"
