"""What the tests of benchmarks share: one report of a real run, and its bundle."""

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


@pytest.fixture(scope="session")
def bundle(
    command: Command, digits_run: Path, digits_model: Path, report_folder: Path, shared: Shared
) -> Path:
    """Held-out digits, the int8 file and the Keras model's answers, with the times of the report."""

    def make(folder: Path) -> None:
        path, report = folder / "digits.bundle.zip", report_folder / "report.json"
        done = command(
            *("edge-bench", "bundle", digits_run, "--model", digits_model, "--report", report, "--out", path)
        )
        assert done.code == 0, done.err
        assert "269 images, 1 model files" in done.out

    return shared("bundle", make) / "digits.bundle.zip"
