"""What happens before a command has imported its libraries: signals, and libraries that are not there."""

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


def test_garbage_is_collected_while_a_command_runs() -> None:
    """It is not while its libraries are imported, and a camera runs for months."""
    code = """
import gc, sys, types
from edge_runtime import start
module = types.ModuleType("edge_runtime.cli.doctor")
module.main = lambda: print(gc.isenabled(), gc.get_freeze_count() > 0)
sys.modules["edge_runtime.cli.doctor"] = module
start.edge_doctor()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"


WITHOUT_ENGINES = """
import sys
real = sys.maxsize, sys.version_info
sys.maxsize, sys.version_info = 2**31 - 1, (3, 13, 0)
import edge_runtime.core.install_advice
sys.maxsize, sys.version_info = real
from edge_runtime import start
sys.modules["numpy"] = sys.modules["cv2"] = None
sys.argv = {arguments}
start.{function}()
"""


@pytest.mark.parametrize(
    "line", ["edge-classify -m birds.tflite --input frames", "edge-bench run birds.tflite"]
)
def test_a_system_without_engines_is_told_so_in_one_line(line: str) -> None:
    arguments = line.split()
    code = WITHOUT_ENGINES.format(arguments=arguments, function=arguments[0].replace("-", "_"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.count("\n") == 1
    assert "there is none for a 32-bit Python 3.13: install the 64-bit system" in done.stderr
    assert done.returncode == 2


def test_the_doctor_names_it_before_what_is_missing_for_that_reason() -> None:
    code = WITHOUT_ENGINES.format(arguments=["edge-doctor"], function="edge_doctor")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 9
    assert done.stdout.startswith("problem  python")
    assert "install the 64-bit system" in done.stdout.splitlines()[1]


def run(command: str, name: str, before: str) -> "subprocess.CompletedProcess[str]":
    code = STARTED.format(signal=name, before=before, command=command, function=command.replace("-", "_"))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
