"""Installed as a user installs it, in new virtual environments, the same file gives the same answers."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import Command

pytestmark = pytest.mark.extra

WORKSTATION_ONLY = ("tensorflow", "keras", "scikit_learn", "matplotlib", "tomli_w")


def find_python(version: str) -> Path:
    """A Python of this version that really starts, from PATH or from pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    on_path = shutil.which(f"python{version}")
    for candidate in (*([Path(on_path)] if on_path else []), *pyenv.glob(f"{version}.*/bin/python")):
        answer = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.startswith(f"Python {version}."):
            return candidate
    pytest.skip(f"Python {version} is not installed here")


def install(folder: Path, python: Path, dist: Path, what: str) -> Path:
    """Make a virtual environment and install a wheel into it; return its bin folder."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    bin_folder = folder / "bin"
    pip = [bin_folder / "python", "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "install", "--find-links", dist, what], check=True, timeout=900)
    if subprocess.run(
        [bin_folder / "python", "-c", "import cv2"], capture_output=True, check=False
    ).returncode:
        # A machine without a desktop's libraries: what the README says to do there.
        subprocess.run([*pip, "uninstall", "-y", "opencv-python"], check=True)
        subprocess.run([*pip, "install", "opencv-python-headless<4.12"], check=True, timeout=900)
    return bin_folder


def answers(bin_folder: Path, model: Path, images: Path, *options: str) -> list[tuple[str, str]]:
    """Source and best label of every image."""
    done = subprocess.run(
        [bin_folder / "edge-classify", "-m", model, "--input", images, "--format", "jsonl", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [(line["source"], line["predictions"][0]["label"]) for line in lines]


def agreement(some: Sequence[object], others: Sequence[object]) -> float:
    """The fraction of equal answers to the same images."""
    return sum(one == other for one, other in zip(some, others, strict=True)) / len(some)


@pytest.mark.parametrize(
    ("version", "extra", "engine"),
    [("3.11", "", "litert"), ("3.13", "", "litert"), ("3.11", "[tflite-runtime]", "tflite-runtime")],
)
def test_the_device_install_gives_the_same_answers(
    command: Command,
    digits_run: Path,
    digits_model: Path,
    digits_images: Path,
    dist: Path,
    tmp_path: Path,
    version: str,
    extra: str,
    engine: str,
) -> None:
    bin_folder = install(tmp_path / "venv", find_python(version), dist, f"edge-classify{extra}")
    installed = {path.name.partition("-")[0] for path in (tmp_path / "venv").rglob("*.dist-info")}
    assert not installed & set(WORKSTATION_ONLY)
    assert not any(
        path.name in ("tests", "docs") for path in (tmp_path / "venv").glob("lib/*/site-packages/*")
    )
    ours = command("edge-classify", "-m", digits_model, "--input", digits_images, "--format", "jsonl").out
    expected = [
        (line["source"], line["predictions"][0]["label"]) for line in map(json.loads, ours.splitlines())
    ]
    found = answers(bin_folder, digits_model, digits_images, "--engine", engine)
    if engine == "litert":
        assert found == expected
    else:
        # Its kernels round otherwise: what is near the threshold of the output `unknown` may differ.
        assert [source for source, _ in found] == [source for source, _ in expected]
        assert agreement(found, expected) >= 0.95
    tested = subprocess.run(
        [bin_folder / "edge-classify", "-m", digits_model, "--self-test", "--engine", engine], check=False
    )
    assert tested.returncode == 0
    for name, arguments in (("edge-train", ("digits",)), ("edge-convert", (digits_run,))):
        lacking = subprocess.run(
            [bin_folder / name, *arguments, "--out", tmp_path / name],
            capture_output=True,
            text=True,
            check=False,
        )
        assert lacking.returncode == 2
        assert "is not installed: pip install 'edge-classify[train]'" in lacking.stderr.splitlines()[-1]
    half = tmp_path / "half.tflite"
    half.write_bytes(digits_model.read_bytes()[: digits_model.stat().st_size // 2])
    (tmp_path / "labels.txt").write_text("".join(f"{digit}\n" for digit in range(10)))
    refused = subprocess.run(
        [bin_folder / "edge-classify", "-m", half, "--input", digits_run / "examples", "--engine", engine],
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 3
    assert len(refused.stderr.splitlines()) == 1
    assert "half.tflite" in refused.stderr


@pytest.mark.assets
def test_tflite_runtime_names_what_photos_show(assets: Path, dist: Path, tmp_path: Path) -> None:
    bin_folder = install(tmp_path / "venv", find_python("3.11"), dist, "edge-classify[tflite-runtime]")
    for model in sorted((assets / "foreign").glob("*.tflite")):
        for engine in ("litert", "tflite-runtime"):
            named = dict(answers(bin_folder, model, assets / "photos", "--engine", engine))
            words = {
                "cat": "cat",
                "parrot": "macaw",
                "hot_dog": "hotdog",
                "dragonfly": "dragonfly",
                "grace_hopper": "uniform",
            }
            for photo, word in words.items():
                assert word in named[str(assets / "photos" / f"{photo}.jpg")], (model.name, engine)
