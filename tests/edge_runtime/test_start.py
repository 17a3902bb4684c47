"""Signals that arrive before a command has imported its libraries."""

import subprocess
import sys

import pytest

COMMANDS = ["edge-bench", "edge-check", "edge-classify", "edge-convert", "edge-doctor", "edge-train"]

# Sends a signal to itself as soon as the command's libraries begin to be imported.
STARTED = """
import os, signal, sys
class Sender:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.{signal})
sys.meta_path.insert(0, Sender())
signal.signal(signal.SIGINT, signal.{before})
from edge_runtime import start
sys.argv = ["{command}", "--help"]
start.{function}()
"""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("name", "code", "words"), [("SIGTERM", 0, ""), ("SIGINT", 130, "{command}: interrupted\n")]
)
def test_a_signal_while_libraries_are_imported_ends_a_command(
    command: str, name: str, code: int, words: str
) -> None:
    done = run(command, name, "default_int_handler")
    assert (done.returncode, done.stdout, done.stderr) == (code, "", words.format(command=command))


def test_an_ignored_interrupt_stays_ignored() -> None:
    done = run("edge-classify", "SIGINT", "SIG_IGN")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage" in done.stdout


def run(command: str, name: str, before: str) -> "subprocess.CompletedProcess[str]":
    code = STARTED.format(signal=name, before=before, command=command, function=command.replace("-", "_"))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
