"""What the tests of benchmarks share: one report of a real run."""

from pathlib import Path

import pytest

from tests.conftest import Command, Shared


@pytest.fixture(scope="session")
def report_folder(command: Command, digits_run: Path, digits_model: Path, shared: Shared) -> Path:
    """`edge-bench run` on the digits, with every single latency in the report."""

    def measure(folder: Path) -> None:
        options = ("--raw", "--processes", 1, "--out", folder)
        done = command("edge-bench", "run", digits_run, digits_model, *options)
        assert done.code == 0, done.err
        assert "digits" in done.out

    return shared("benchmark", measure)
